//! The models there are.

/// A model, as `GET /v1/models` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// The name.
    pub id: &'static str,
    /// When it was published, in whole Unix seconds.
    pub created: i64,
    /// Whose it is.
    pub owned_by: &'static str,
}

/// The models that `GET /v1/models` shows, in alphabetical order.
///
/// Those up to 2025-09 as recorded then (net ModelsTests/ListModels.json); the later ones are documented,
/// with the midnight of their date as an assumed `created`.
pub const MODELS: &[Model] = &[
    model("babbage-002", 1_692_634_615, "system"),
    model("chatgpt-4o-latest", 1_723_515_131, "system"),
    model("codex-mini-latest", 1_746_673_257, "system"),
    model("computer-use-preview", 1_734_655_677, "system"),
    model("computer-use-preview-2025-03-11", 1_741_377_021, "system"),
    model("dall-e-2", 1_698_798_177, "system"),
    model("dall-e-3", 1_698_785_189, "system"),
    model("davinci-002", 1_692_634_301, "system"),
    model("gpt-3.5-turbo", 1_677_610_602, "openai"),
    model("gpt-3.5-turbo-0125", 1_706_048_358, "system"),
    model("gpt-3.5-turbo-1106", 1_698_959_748, "system"),
    model("gpt-3.5-turbo-16k", 1_683_758_102, "openai-internal"),
    model("gpt-3.5-turbo-instruct", 1_692_901_427, "system"),
    model("gpt-3.5-turbo-instruct-0914", 1_694_122_472, "system"),
    model("gpt-4", 1_687_882_411, "openai"),
    model("gpt-4-0613", 1_686_588_896, "openai"),
    model("gpt-4-turbo", 1_712_361_441, "system"),
    model("gpt-4-turbo-2024-04-09", 1_712_601_677, "system"),
    model("gpt-4.1", 1_744_316_542, "system"),
    model("gpt-4.1-2025-04-14", 1_744_315_746, "system"),
    model("gpt-4.1-mini", 1_744_318_173, "system"),
    model("gpt-4.1-mini-2025-04-14", 1_744_317_547, "system"),
    model("gpt-4.1-nano", 1_744_321_707, "system"),
    model("gpt-4.1-nano-2025-04-14", 1_744_321_025, "system"),
    model("gpt-4o", 1_715_367_049, "system"),
    model("gpt-4o-2024-05-13", 1_715_368_132, "system"),
    model("gpt-4o-2024-08-06", 1_722_814_719, "system"),
    model("gpt-4o-2024-11-20", 1_739_331_543, "system"),
    model("gpt-4o-mini", 1_721_172_741, "system"),
    model("gpt-4o-mini-2024-07-18", 1_721_172_717, "system"),
    model("gpt-5", 1_754_425_777, "system"),
    model("gpt-5-2025-08-07", 1_754_075_360, "system"),
    model("gpt-5-chat-latest", 1_754_073_306, "system"),
    model("gpt-5-mini", 1_754_425_928, "system"),
    model("gpt-5-mini-2025-08-07", 1_754_425_867, "system"),
    model("gpt-5-nano", 1_754_426_384, "system"),
    model("gpt-5-nano-2025-08-07", 1_754_426_303, "system"),
    model("gpt-5.1", 1_762_992_000, "system"),
    model("gpt-5.1-2025-11-13", 1_762_992_000, "system"),
    model("gpt-5.2", 1_765_411_200, "system"),
    model("gpt-5.2-2025-12-11", 1_765_411_200, "system"),
    model("gpt-5.4-mini", 1_773_705_600, "system"),
    model("gpt-5.4-mini-2026-03-17", 1_773_705_600, "system"),
    model("gpt-5.4-nano", 1_773_705_600, "system"),
    model("gpt-5.4-nano-2026-03-17", 1_773_705_600, "system"),
    model("gpt-5.5", 1_776_902_400, "system"),
    model("gpt-5.5-2026-04-23", 1_776_902_400, "system"),
    model("gpt-image-1", 1_745_517_030, "system"),
    model("gpt-image-2", 1_776_729_600, "system"),
    model("gpt-image-2-2026-04-21", 1_776_729_600, "system"),
    model("o1", 1_734_375_816, "system"),
    model("o1-2024-12-17", 1_734_326_976, "system"),
    model("o3", 1_744_225_308, "system"),
    model("o3-2025-04-16", 1_744_133_301, "system"),
    model("o3-mini", 1_737_146_383, "system"),
    model("o3-mini-2025-01-31", 1_738_010_200, "system"),
    model("o4-mini", 1_744_225_351, "system"),
    model("o4-mini-2025-04-16", 1_744_133_506, "system"),
    model("omni-moderation-2024-09-26", 1_732_734_466, "system"),
    model("omni-moderation-latest", 1_731_689_265, "system"),
    model("sora-2", 1_759_708_800, "system"),
    model("text-embedding-3-large", 1_705_953_180, "system"),
    model("text-embedding-3-small", 1_705_948_997, "system"),
    model("text-embedding-ada-002", 1_671_217_299, "openai-internal"),
];

/// Names that stand for a dated snapshot, in alphabetical order of the name. Recorded where answers were
/// seen (`gpt-4o-mini`, `gpt-5-nano`, `gpt-5.2`, ..), else from the documented list of snapshots.
const SNAPSHOTS: &[(&str, &str)] = &[
    ("computer-use-preview", "computer-use-preview-2025-03-11"),
    ("gpt-3.5-turbo", "gpt-3.5-turbo-0125"),
    ("gpt-4", "gpt-4-0613"),
    ("gpt-4-turbo", "gpt-4-turbo-2024-04-09"),
    ("gpt-4-turbo-preview", "gpt-4-0125-preview"),
    ("gpt-4.1", "gpt-4.1-2025-04-14"),
    ("gpt-4.1-mini", "gpt-4.1-mini-2025-04-14"),
    ("gpt-4.1-nano", "gpt-4.1-nano-2025-04-14"),
    ("gpt-4o", "gpt-4o-2024-08-06"),
    ("gpt-4o-audio-preview", "gpt-4o-audio-preview-2025-06-03"),
    ("gpt-4o-mini", "gpt-4o-mini-2024-07-18"),
    ("gpt-4o-mini-audio-preview", "gpt-4o-mini-audio-preview-2024-12-17"),
    ("gpt-4o-mini-search-preview", "gpt-4o-mini-search-preview-2025-03-11"),
    ("gpt-4o-search-preview", "gpt-4o-search-preview-2025-03-11"),
    ("gpt-5", "gpt-5-2025-08-07"),
    ("gpt-5-mini", "gpt-5-mini-2025-08-07"),
    ("gpt-5-nano", "gpt-5-nano-2025-08-07"),
    ("gpt-5-pro", "gpt-5-pro-2025-10-06"),
    ("gpt-5.1", "gpt-5.1-2025-11-13"),
    ("gpt-5.2", "gpt-5.2-2025-12-11"),
    ("gpt-5.2-pro", "gpt-5.2-pro-2025-12-11"),
    ("gpt-5.4-mini", "gpt-5.4-mini-2026-03-17"),
    ("gpt-5.4-nano", "gpt-5.4-nano-2026-03-17"),
    ("gpt-5.5", "gpt-5.5-2026-04-23"),
    ("gpt-5.5-pro", "gpt-5.5-pro-2026-04-23"),
    ("gpt-audio-mini", "gpt-audio-mini-2025-12-15"),
    ("o1", "o1-2024-12-17"),
    ("o1-mini", "o1-mini-2024-09-12"),
    ("o1-preview", "o1-preview-2024-09-12"),
    ("o1-pro", "o1-pro-2025-03-19"),
    ("o3", "o3-2025-04-16"),
    ("o3-deep-research", "o3-deep-research-2025-06-26"),
    ("o3-mini", "o3-mini-2025-01-31"),
    ("o3-pro", "o3-pro-2025-06-10"),
    ("o4-mini", "o4-mini-2025-04-16"),
    ("o4-mini-deep-research", "o4-mini-deep-research-2025-06-26"),
];

/// The beginnings of the names of the models there are; what follows starts with a digit after a `#`.
const FAMILIES: &[&str] = &[
    "babbage",
    "chat-latest",
    "chatgpt-",
    "codex-",
    "computer-use-",
    "curie",
    "dall-e-#",
    "davinci",
    "ft:",
    "gpt-#",
    "gpt-audio",
    "gpt-daybreak-",
    "gpt-image-",
    "gpt-oss-",
    "gpt-realtime",
    "o#",
    "omni-moderation-",
    "sora-#",
    "text-ada-",
    "text-babbage-",
    "text-curie-",
    "text-davinci-",
    "text-embedding-#",
    "text-embedding-ada-",
    "text-moderation-",
];

/// Words that only a made-up name has.
const MADE_UP: &[&str] =
    &["does-not-exist", "doesnotexist", "fake", "invalid", "nonexist", "not-a-", "unknown"];

/// The dated snapshot a model name stands for (F-204); unknown and dated names stay as they are.
///
/// ```
/// # use batchmock::responder::snapshot;
/// assert_eq!(snapshot("gpt-4o-mini"), "gpt-4o-mini-2024-07-18");
/// assert_eq!(snapshot("text-embedding-3-small"), "text-embedding-3-small");
/// ```
pub fn snapshot(model: &str) -> &str {
    match SNAPSHOTS.binary_search_by_key(&model, |(name, _)| name) {
        Ok(index) => SNAPSHOTS[index].1,
        Err(_) => model,
    }
}

/// Whether a name belongs to a family of models, which is as much as the mock can know of them.
pub fn is_known(name: &str) -> bool {
    let in_family = FAMILIES.iter().any(|family| match family.strip_suffix('#') {
        Some(family) => {
            name.strip_prefix(family).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        }
        None => name.starts_with(family),
    });
    in_family && !MADE_UP.iter().any(|word| name.contains(word))
}

/// Whether a name is that of a model somebody trained: `ft:gpt-4o-mini:acme::abc`, or `curie:ft-acme-2023-03-20`
/// as until 2023.
pub(crate) fn is_fine_tuned(name: &str) -> bool {
    name.starts_with("ft:") || name.contains(":ft-")
}

/// Whether a model is of the kind that thinks first: the o-series, and those from GPT-5 on.
pub(super) fn can_reason(model: &str) -> bool {
    let base = model.strip_prefix("ft:").unwrap_or(model);
    let o_series = base.strip_prefix('o').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let from_five = base
        .strip_prefix("gpt-")
        .and_then(|rest| rest.chars().next())
        .is_some_and(|generation| ('5'..='9').contains(&generation));
    (o_series || from_five || base.starts_with("codex-")) && !base.contains("-chat")
}

/// How hard a model thinks when the request does not say: `none` from GPT-5.1 to GPT-5.4, else `medium`
/// (recorded for gpt-5-nano, gpt-5.2 and gpt-5.5; assumed for the others). `None` if it cannot reason.
pub(super) fn default_effort(model: &str) -> Option<&'static str> {
    let quiet = ["gpt-5.1", "gpt-5.2", "gpt-5.3", "gpt-5.4"].iter().any(|family| model.starts_with(family))
        && !model.contains("-pro")
        && !model.contains("-codex");
    can_reason(model).then_some(if quiet { "none" } else { "medium" })
}

/// The tokens a model thinks for before it answers: 64, the smallest number recorded, or nothing.
pub(super) fn reasoning_tokens(effort: Option<&str>) -> u64 {
    match effort {
        None | Some("none" | "minimal") => 0,
        Some(_) => 64,
    }
}

const fn model(id: &'static str, created: i64, owned_by: &'static str) -> Model {
    Model { id, created, owned_by }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_sorted() {
        assert!(SNAPSHOTS.is_sorted_by_key(|(name, _)| name));
        assert!(MODELS.is_sorted_by_key(|model| model.id));
    }

    #[test]
    fn listed_models_and_their_snapshots_are_known() {
        for model in MODELS {
            assert!(is_known(model.id), "{}", model.id);
            assert!(is_known(snapshot(model.id)), "{}", model.id);
        }
    }

    #[test]
    fn made_up_names_are_unknown() {
        for name in
            ["nonexistent-model-xyz", "gpt-nonexistent", "gpt-4-fake", "claude-3", "", "oops", "gpt-", "o"]
        {
            assert!(!is_known(name), "{name}");
        }
        for name in ["ft:gpt-4o-mini-2024-07-18:acme::abc", "gpt-5.6-sol", "o4-mini", "codex-mini-latest"] {
            assert!(is_known(name), "{name}");
        }
    }

    #[test]
    fn reasoning_follows_the_family() {
        assert_eq!(default_effort("gpt-5-nano-2025-08-07"), Some("medium"));
        assert_eq!(default_effort("gpt-5.2"), Some("none"));
        assert_eq!(default_effort("gpt-5-chat-latest"), None);
        assert_eq!(default_effort("gpt-4o"), None);
        assert_eq!(default_effort("o3-mini"), Some("medium"));
    }
}
