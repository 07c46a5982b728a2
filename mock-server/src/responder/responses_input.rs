//! The input and the tools of a responses request.

use serde_json::{Value, json};

use super::chat::{IMAGE_TOKENS, MESSAGE_TOKENS};
use super::chat_tools::{CallInput, ForcedCall};
use super::prompt::Prompt;
use super::tokens::json_tokens;
use crate::arguments::Refusal;
use crate::arguments::{Arguments, Node, Place};

/// Reads `input`: a text, or items of which the messages and the outputs of calls have text.
pub(super) fn read_input(arguments: &Arguments<'_, '_>, prompt: &mut Prompt) -> Result<(), Refusal> {
    prompt.add_tokens(MESSAGE_TOKENS);
    match arguments.get("input") {
        None if ["prompt", "previous_response_id", "conversation"]
            .iter()
            .any(|n| arguments.get(n).is_some()) =>
        {
            Ok(())
        }
        None => arguments.required("input").and_then(|value| {
            Err(Refusal::wrong_type("input", "one of a string or array of input items", value))
        }),
        Some(Node::String(text)) => {
            prompt.push_message([text.as_ref()], true);
            prompt.add_tokens(MESSAGE_TOKENS);
            Ok(())
        }
        Some(Node::Array(items)) => {
            let place = Place::Key(&Place::Top, "input");
            for item in Arguments::items(items, &place) {
                read_item(&item?, prompt)?;
                prompt.add_tokens(MESSAGE_TOKENS);
            }
            Ok(())
        }
        Some(other) => Err(Refusal::wrong_type("input", "one of a string or array of input items", other)),
    }
}

/// Reads one item; those that are no messages keep their fields to themselves, but for the output of a call.
fn read_item(item: &Arguments<'_, '_>, prompt: &mut Prompt) -> Result<(), Refusal> {
    match item.string("type")? {
        None | Some("message") => {
            item.required_string("role")?;
            let role = item.choice("role", &["assistant", "system", "developer", "user"])?;
            read_content(item, "content", role == Some("user"), prompt)
        }
        Some("function_call_output" | "custom_tool_call_output") => {
            item.required_string("call_id")?;
            read_content(item, "output", false, prompt)
        }
        Some(_) => Ok(()),
    }
}

fn read_content(
    item: &Arguments<'_, '_>,
    name: &'static str,
    is_user: bool,
    prompt: &mut Prompt,
) -> Result<(), Refusal> {
    let content = item.required(name)?;
    if let Node::String(text) = content {
        prompt.push_message([text.as_ref()], is_user);
        return Ok(());
    }
    let Node::Array(parts) = content else {
        let expected = "one of a string or array of objects";
        return Err(Refusal::wrong_type(&item.path(name), expected, content));
    };
    let place = Place::Key(item.place(), name);
    let mut texts = Vec::with_capacity(parts.len());
    for part in Arguments::items(parts, &place) {
        texts.extend(read_part(&part?, prompt)?);
    }
    prompt.push_message(texts, is_user);
    Ok(())
}

/// The text of a part, if it is one. The kinds are those of the spec; their order in a refusal is assumed.
fn read_part<'v>(part: &Arguments<'v, '_>, prompt: &mut Prompt) -> Result<Option<&'v str>, Refusal> {
    part.required_string("type")?;
    let kinds = ["input_text", "input_image", "output_text", "refusal", "input_file", "input_audio"];
    Ok(match part.choice("type", &kinds)? {
        Some("input_text" | "output_text") => Some(part.required_string("text")?),
        Some("refusal") => Some(part.required_string("refusal")?),
        Some("input_image") => {
            prompt.add_tokens(IMAGE_TOKENS);
            None
        }
        _ => None,
    })
}

/// Reads `tools`: how the response repeats them, all fields of a function written out (recorded: rllm).
pub(super) fn read_tools(arguments: &Arguments<'_, '_>, prompt: &mut Prompt) -> Result<Vec<Value>, Refusal> {
    let Some(tools) = arguments.array("tools", "an array of objects")? else { return Ok(Vec::new()) };
    let place = Place::Key(&Place::Top, "tools");
    let mut echoes = Vec::with_capacity(tools.len());
    for (tool, value) in Arguments::items(tools, &place).zip(tools) {
        let tool = tool?;
        prompt.add_tokens(json_tokens(value));
        echoes.push(match tool.required_string("type")? {
            "function" => json!({
                "type": "function",
                "description": tool.string("description")?,
                "name": tool.required_name("name")?,
                "output_schema": tool.get("output_schema"),
                "parameters": tool.get("parameters"),
                "strict": tool.boolean("strict")?.unwrap_or(true),
            }),
            "custom" => {
                tool.required_name("name")?;
                value.to_value()
            }
            _ => value.to_value(),
        });
    }
    Ok(echoes)
}

/// The call that `tool_choice` forces; one of the service's own tools is not run.
pub(super) fn forced(arguments: &Arguments<'_, '_>, tools: &[Value]) -> Result<Option<ForcedCall>, Refusal> {
    let Some(choice) = arguments.get("tool_choice") else { return Ok(None) };
    if choice.is_string() {
        let choice = arguments.choice("tool_choice", &["none", "auto", "required"])?;
        let first = tools.iter().find_map(|tool| call(tool, false));
        return Ok(if choice == Some("required") { first } else { None });
    }
    let choice = arguments.required_object("tool_choice")?;
    let named =
        |name: Option<&str>| tools.iter().find(|tool| tool.get("name").and_then(Value::as_str) == name);
    match choice.required_string("type")? {
        "allowed_tools" => {
            let is_required = choice.choice("mode", &["auto", "required"])? == Some("required");
            let first = choice.array("tools", "an array of objects")?.and_then(<[Node<'_>]>::first);
            let tool = named(first.and_then(|tool| tool.get("name")).and_then(Node::as_str));
            Ok(if is_required { tool.and_then(|tool| call(tool, false)) } else { None })
        }
        kind @ ("function" | "custom") => {
            let tool = named(Some(choice.required_name("name")?));
            // Remembered, not observed.
            let message = || format!("Tool choice '{kind}' not found in 'tools' parameter.");
            tool.map(|tool| call(tool, true)).ok_or_else(|| Refusal::about("tool_choice", message()))
        }
        _ => Ok(None),
    }
}

fn call(tool: &Value, is_named: bool) -> Option<ForcedCall> {
    let input = match tool.get("type")?.as_str()? {
        "function" => CallInput::Arguments(match tool.get("parameters") {
            Some(parameters @ Value::Object(schema)) if !schema.is_empty() => parameters.clone(),
            _ => json!({"type": "object", "properties": {}}),
        }),
        "custom" => CallInput::Text,
        _ => return None,
    };
    Some(ForcedCall { name: tool.get("name")?.as_str()?.to_owned(), input, is_named })
}
