//! Images, as they were asked for.

use serde_json::{Value, json};

use super::*;

fn image(extra: Value) -> Value {
    with(json!({"model": "gpt-image-1", "prompt": "a cat"}), extra)
}

#[test]
fn images_are_made_as_they_were_asked_for() {
    let made = |extra| {
        let body = with_pictures_told(answer(Endpoint::ImagesGenerations, &image(extra)));
        let images: Vec<_> =
            body["data"].as_array().unwrap().iter().map(|image| image["b64_json"].clone()).collect();
        format!(
            "{} {} {} {}: {}",
            body["size"],
            body["quality"],
            body["background"],
            body["usage"]["output_tokens"],
            json!(images)
        )
    };
    let rows = [
        made(json!({"n": 2, "size": "1024x1536", "output_format": "jpeg", "quality": "low"})),
        made(json!({"size": "1536x1024", "output_format": "webp", "background": "transparent"})),
        made(
            json!({"model": "gpt-image-2", "size": "1536x864", "quality": "medium", "output_compression": 100}),
        ),
        made(
            json!({"model": "chatgpt-image-latest", "size": "auto", "quality": "auto", "background": "auto"}),
        ),
    ];
    insta::assert_snapshot!(rows.join("\n"), @r#"
    "1024x1536" "low" "opaque" 816: ["Jpeg of 1024x1536: teal-bulbul-83140e64","Jpeg of 1024x1536: beige-heron-b84c6f18"]
    "1536x1024" "high" "transparent" 6208: ["WebP of 1536x1024: teal-bulbul-83140e64"]
    "1536x864" "medium" "opaque" 1337: ["Png of 1536x864: teal-bulbul-83140e64"]
    "1024x1024" "high" "opaque" 4160: ["Png of 1024x1024: teal-bulbul-83140e64"]
    "#);
}

#[test]
fn older_models_tell_where_images_are_or_what_they_are() {
    let made = |extra| {
        let body = answer(Endpoint::ImagesGenerations, &image(extra));
        let keys: Vec<_> = body.as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["created", "data"]);
        body["data"].clone()
    };
    let by_url = made(json!({"model": "dall-e-2", "n": 3}));
    let urls: std::collections::HashSet<_> =
        by_url.as_array().unwrap().iter().map(|image| image["url"].as_str().unwrap().to_owned()).collect();
    assert_eq!(urls.len(), 3);
    let is_named = |url: &String| {
        url.strip_prefix("https://images.batchmock.invalid/")
            .and_then(|name| name.strip_suffix(".png"))
            .is_some()
    };
    assert!(urls.iter().all(is_named), "{urls:?}");
    let by_data = made(json!({"model": "dall-e-2", "response_format": "b64_json", "size": "256x256"}));
    let told = with_pictures_told(json!({ "data": by_data }));
    assert!(told["data"][0]["b64_json"].as_str().unwrap().starts_with("Png of 256x256: "), "{told}");
    assert_eq!(
        made(json!({"model": "dall-e-3", "quality": "hd", "style": "natural"}))[0]["revised_prompt"],
        "a cat"
    );

    let edit = json!({"model": "dall-e-2", "prompt": "a cat", "images": [{"file_id": "file-a"}]});
    assert!(answer(Endpoint::ImagesEdits, &edit)["data"][0]["url"].is_string());
}

#[test]
fn images_are_refused_by_what_their_model_takes() {
    let make = |extra| refused(Endpoint::ImagesGenerations, &image(extra));
    let url = json!({"image_url": "https://example.com/a.png"});
    let edit = |extra| refused(Endpoint::ImagesEdits, &with(image(json!({"images": [url.clone()]})), extra));
    let video =
        |extra| refused(Endpoint::Videos, &with(json!({"model": "sora-2", "prompt": "a cat"}), extra));
    let rows = [
        make(json!({"response_format": "url"})),
        make(json!({"style": "vivid"})),
        make(json!({"size": "256x256"})),
        make(json!({"quality": "hd"})),
        make(json!({"n": 11})),
        make(json!({"background": "transparent", "output_format": "jpeg"})),
        make(json!({"output_compression": 50})),
        make(json!({"output_format": "gif"})),
        make(json!({"prompt": ""})),
        make(json!({"prompt": "a".repeat(32_001)})),
        make(json!({"model": "dall-e-3", "n": 2})),
        make(json!({"model": "dall-e-3", "background": "opaque"})),
        make(json!({"model": "dall-e-2", "size": "1792x1024"})),
        make(json!({"model": "dall-e-2", "prompt": "a".repeat(1_001)})),
        make(json!({"model": "gpt-image-2", "size": "big"})),
        make(json!({"model": "gpt-image-2", "size": "1000x1000"})),
        make(json!({"model": "gpt-image-2", "size": "1600x160"})),
        make(json!({"model": "gpt-image-2", "size": "4096x2048"})),
        make(json!({"model": "gpt-image-2", "size": "3840x3840"})),
        make(json!({"model": "gpt-image-2", "size": "3840x2160"})),
        edit(json!({"image": "data:image/png;base64,"})),
        edit(json!({"images": [{}]})),
        edit(json!({"images": [{"image_url": "https://example.com/a.png", "file_id": "file-a"}]})),
        edit(json!({"images": [{"url": "https://example.com/a.png"}]})),
        edit(json!({"images": vec![url.clone(); 17]})),
        edit(json!({"model": "dall-e-2", "images": vec![url.clone(); 2]})),
        edit(json!({"model": "dall-e-3"})),
        edit(json!({"mask": {"file_id": 7}})),
        edit(json!({"mask": {"file_id": "file-a"}, "input_fidelity": "high"})),
        video(json!({"seconds": 8})),
        video(json!({"size": "1920x1080"})),
        video(json!({"input_reference": {}})),
        video(json!({"input_reference": {"file_id": "file-a"}})),
    ];
    insta::assert_snapshot!(rows.join("\n"));
}
