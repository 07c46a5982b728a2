//! The tools of a chat request, and the call it forces.

use serde_json::Value;

use super::prompt::Prompt;
use super::tokens::json_tokens;
use crate::arguments::Refusal;
use crate::arguments::{Arguments, Node, Place};

/// A call that a request forces.
#[derive(Debug, Clone)]
pub(super) struct ForcedCall {
    /// The name of the tool.
    pub name: String,
    /// What the call passes.
    pub input: CallInput,
    /// Whether the request names the tool: the answer then ends with `stop` (recorded: net
    /// ChatToolTests/ConstraintsWork.json).
    pub is_named: bool,
}

/// What a call passes to its tool.
#[derive(Debug, Clone)]
pub(super) enum CallInput {
    /// JSON valid for the schema.
    Arguments(Value),
    /// The same, in the way of before tools: `functions` and `function_call`.
    LegacyArguments(Value),
    /// Free text.
    Text,
}

/// Reads `tools`, `tool_choice` and their elders; counts the tools' tokens.
pub(super) fn parse(
    arguments: &Arguments<'_, '_>,
    prompt: &mut Prompt,
) -> Result<Option<ForcedCall>, Refusal> {
    let functions = arguments.array("functions", "an array of function definitions")?;
    if let Some(functions) = functions {
        for function in Arguments::items(functions, &Place::Key(&Place::Top, "functions")) {
            function?.required_name("name")?;
        }
    }
    let tools = arguments.array("tools", "an array of objects")?;
    if let Some(tools) = tools {
        if tools.is_empty() {
            return Err(Refusal::empty_array("tools"));
        }
        for tool in Arguments::items(tools, &Place::Key(&Place::Top, "tools")) {
            check_tool(&tool?)?;
        }
    }
    for name in ["functions", "tools"] {
        if let Some(value) = arguments.get(name) {
            prompt.add_tokens(json_tokens(value));
        }
    }
    arguments.boolean("parallel_tool_calls")?;
    match forced_tool(arguments, tools.unwrap_or_default())? {
        Some(call) => Ok(Some(call)),
        None => forced_function(arguments, functions.unwrap_or_default()),
    }
}

fn check_tool(tool: &Arguments<'_, '_>) -> Result<(), Refusal> {
    tool.required_string("type")?;
    let kind = tool.choice("type", &["function", "custom"])?.unwrap_or("function");
    let definition = tool.required_object(kind)?;
    definition.required_name("name")?;
    if kind == "function" {
        definition.object("parameters")?;
    }
    Ok(())
}

/// The call that `tool_choice` forces.
fn forced_tool(arguments: &Arguments<'_, '_>, tools: &[Node<'_>]) -> Result<Option<ForcedCall>, Refusal> {
    let Some(choice) = arguments.get("tool_choice") else { return Ok(None) };
    if tools.is_empty() {
        if *choice == *"none" {
            return Ok(None);
        }
        let message =
            "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.";
        return Err(Refusal::about("tool_choice", message));
    }
    if choice.is_string() {
        let choice = arguments.choice("tool_choice", &["none", "auto", "required"])?;
        return Ok(if choice == Some("required") { call(&tools[0], false) } else { None });
    }
    if !choice.is_object() {
        let expected = "one of one of 'none', 'auto', or 'required' or object";
        return Err(Refusal::wrong_type("tool_choice", expected, choice));
    }
    let choice = arguments.required_object("tool_choice")?;
    let named = |name: Option<&str>| tools.iter().find(|tool| name_of(tool) == name);
    match choice.get("type").and_then(Node::as_str) {
        Some("allowed_tools") => {
            let allowed = choice.required_object("allowed_tools")?;
            let is_required = allowed.choice("mode", &["auto", "required"])? == Some("required");
            let first = allowed.array("tools", "an array of objects")?.and_then(<[Node<'_>]>::first);
            let tool = named(first.and_then(name_of)).filter(|_| is_required);
            Ok(tool.and_then(|tool| call(tool, false)))
        }
        kind => {
            let chosen =
                choice.required_object(if kind == Some("custom") { "custom" } else { "function" })?;
            let name = chosen.required_name("name")?;
            named(Some(name)).map(|tool| call(tool, true)).ok_or_else(|| undeclared(name))
        }
    }
}

/// The call that `function_call` forces.
fn forced_function(
    arguments: &Arguments<'_, '_>,
    functions: &[Node<'_>],
) -> Result<Option<ForcedCall>, Refusal> {
    if !arguments.get("function_call").is_some_and(Node::is_object) {
        return arguments.choice("function_call", &["none", "auto"]).map(|_| None);
    }
    let choice = arguments.required_object("function_call")?;
    let name = choice.required_string("name")?;
    let function = functions
        .iter()
        .find(|function| function.get("name").and_then(Node::as_str) == Some(name))
        .ok_or_else(|| undeclared(name))?;
    let input = CallInput::LegacyArguments(parameters(function));
    Ok(Some(ForcedCall { name: name.to_owned(), input, is_named: true }))
}

fn call(tool: &Node<'_>, is_named: bool) -> Option<ForcedCall> {
    let (is_custom, definition) = definition(tool)?;
    Some(ForcedCall {
        name: definition.get("name")?.as_str()?.to_owned(),
        input: if is_custom { CallInput::Text } else { CallInput::Arguments(parameters(definition)) },
        is_named,
    })
}

fn name_of<'v>(tool: &'v Node<'_>) -> Option<&'v str> {
    definition(tool).and_then(|(_, definition)| definition.get("name")).and_then(Node::as_str)
}

/// Whether a tool is a custom one, and what it says of itself.
fn definition<'v, 'j>(tool: &'v Node<'j>) -> Option<(bool, &'v Node<'j>)> {
    match tool.get("custom") {
        Some(custom) => Some((true, custom)),
        None => tool.get("function").map(|function| (false, function)),
    }
}

/// The schema of a function's arguments; without one it takes none.
fn parameters(function: &Node<'_>) -> Value {
    match function.get("parameters") {
        Some(parameters @ Node::Object(schema)) if !schema.is_empty() => parameters.to_value(),
        _ => serde_json::json!({"type": "object", "properties": {}}),
    }
}

/// A call of a tool that is not there (observed on chat completions, 2026-09).
fn undeclared(name: &str) -> Refusal {
    let message = format!(
        "Invalid value for 'function_call': no function named '{name}' was specified in the 'functions' parameter."
    );
    Refusal::about("function_call", message)
}
