//! JSON that is valid for a schema, with the answer's text in every string that takes it.
//!
//! Covered are the keywords of structured outputs and their common companions: `type`, `properties`,
//! `required`, `additionalProperties`, `items`, `prefixItems`, `enum`, `const`, `$ref`, `anyOf`, `oneOf`,
//! `allOf`, `format`, `pattern` and the bounds of lengths, items and numbers. Not covered are `not`, `if`,
//! `patternProperties`, `contains` and the `dependent*` and `unevaluated*` keywords: they are not looked at.

use std::cell::Cell;

use serde_json::{Map, Number, Value};

use super::canary::hash;
use super::pattern;
use super::schema::{beside, bound, has_type, merge, strings, types, weight, without};
use crate::arguments::Refusal;
use crate::arguments::{Arguments, Node};

/// The depth from which only what is required is written, and choices prefer what ends soonest.
const CALM_DEPTH: usize = 6;
/// The depth at which a schema that never ends is given up.
const MAX_DEPTH: usize = 24;
/// The number of values from which only what is required is written, too.
const CALM_VALUES: u32 = 1_000;
/// The number of values at which a schema that grows without end is given up.
const MAX_VALUES: u32 = 20_000;

/// The form that the text of an answer has to take.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Format {
    /// Free text.
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON that is valid for the schema.
    JsonSchema(Value),
}

impl Format {
    /// Reads `response_format` or `text.format`; `holder` is where name and schema stand in it.
    pub(super) fn parse(arguments: &Arguments<'_, '_>, holder: Option<&str>) -> Result<Self, Refusal> {
        arguments.required_string("type")?;
        Ok(match arguments.choice("type", &["json_object", "json_schema", "text"])? {
            Some("json_object") => Self::JsonObject,
            Some("json_schema") => Self::JsonSchema(match holder {
                Some(holder) => Self::schema(&arguments.required_object(holder)?)?,
                None => Self::schema(arguments)?,
            }),
            _ => Self::Text,
        })
    }

    fn schema(arguments: &Arguments<'_, '_>) -> Result<Value, Refusal> {
        arguments.required_name("name")?;
        arguments.object("schema")?;
        Ok(arguments.get("schema").map_or(Value::Bool(true), Node::to_value))
    }

    /// The text in this form.
    pub(super) fn write(&self, text: String) -> String {
        match self {
            Self::Text => text,
            Self::JsonObject => serde_json::json!({ "answer": text }).to_string(),
            Self::JsonSchema(schema) => json_for(schema, &text),
        }
    }
}

/// JSON that is valid for a schema, as far as it can be told; its strings are the text where they may be.
pub(super) fn json_for(schema: &Value, text: &str) -> String {
    let writer = Writer { root: schema, text, luck: hash(0, &[text], 0), n_values: Cell::new(0) };
    writer.value(schema, 0, 0).unwrap_or(Value::Null).to_string()
}

struct Writer<'a> {
    root: &'a Value,
    text: &'a str,
    /// Picks where several values would do: like the text, it differs from request to request.
    luck: u64,
    /// How many values were begun.
    n_values: Cell<u32>,
}

impl Writer<'_> {
    /// A value for a schema; `nth` sets the items of a list apart. `None` if there is none.
    fn value(&self, schema: &Value, depth: usize, nth: u64) -> Option<Value> {
        self.n_values.set(self.n_values.get() + 1);
        if depth > MAX_DEPTH || self.n_values.get() > MAX_VALUES {
            return None;
        }
        let Value::Object(schema) = schema else {
            return (*schema != Value::Bool(false)).then(|| Value::String(self.text.to_owned()));
        };
        if let Some(constant) = schema.get("const") {
            return Some(constant.clone());
        }
        if let Some(Value::Array(values)) = schema.get("enum") {
            let fitting: Vec<&Value> = values.iter().filter(|value| has_type(schema, value)).collect();
            return fitting.get(self.pick(fitting.len(), nth)?).map(|value| (*value).clone());
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|name| self.resolve(name)) {
            return self.value(&beside(schema, "$ref", target), depth + 1, nth);
        }
        if let Some(Value::Array(parts)) = schema.get("allOf") {
            let whole = parts.iter().fold(Value::Object(without(schema, "allOf")), |whole, part| {
                let part =
                    part.get("$ref").and_then(Value::as_str).and_then(|n| self.resolve(n)).unwrap_or(part);
                merge(whole, part)
            });
            return self.value(&whole, depth + 1, nth);
        }
        for keyword in ["anyOf", "oneOf"] {
            if let Some(Value::Array(branches)) = schema.get(keyword) {
                return self.branch(schema, keyword, branches, depth, nth);
            }
        }
        types(schema, self.is_calm(depth)).into_iter().find_map(|kind| self.typed(schema, kind, depth, nth))
    }

    /// A value for the first branch that has one; branches that cannot recurse go first in the deep.
    fn branch(
        &self,
        schema: &Map<String, Value>,
        keyword: &str,
        branches: &[Value],
        depth: usize,
        nth: u64,
    ) -> Option<Value> {
        let mut order: Vec<&Value> = branches.iter().collect();
        let null_last = |branch: &&Value| branch.get("type").and_then(Value::as_str) == Some("null");
        let is_calm = self.is_calm(depth);
        order.sort_by_key(|branch| if is_calm { weight(branch) } else { u8::from(null_last(branch)) });
        order.into_iter().find_map(|branch| self.value(&beside(schema, keyword, branch), depth + 1, nth))
    }

    fn typed(&self, schema: &Map<String, Value>, kind: &str, depth: usize, nth: u64) -> Option<Value> {
        match kind {
            "object" => self.object(schema, depth, nth),
            "array" => self.array(schema, depth),
            "string" => Some(Value::String(self.string(schema, nth))),
            "integer" => self.number(schema, true, nth),
            "number" => self.number(schema, false, nth),
            "boolean" => Some(Value::Bool((self.luck ^ nth) & 1 == 0)),
            "null" => Some(Value::Null),
            _ => None,
        }
    }

    fn object(&self, schema: &Map<String, Value>, depth: usize, nth: u64) -> Option<Value> {
        let required: Vec<&str> = strings(schema.get("required")).collect();
        let mut object = Map::new();
        if let Some(Value::Object(properties)) = schema.get("properties") {
            for (name, property) in properties {
                let needed = required.contains(&name.as_str());
                if self.is_calm(depth) && !needed {
                    continue;
                }
                match self.value(property, depth + 1, nth) {
                    Some(value) => object.insert(name.clone(), value),
                    None if needed => return None,
                    None => None,
                };
            }
        }
        let others = schema.get("additionalProperties").unwrap_or(&Value::Bool(true));
        for name in required {
            if !object.contains_key(name) {
                object.insert(name.to_owned(), self.value(others, depth + 1, nth)?);
            }
        }
        let minimum = bound(schema, "minProperties").unwrap_or(0);
        let mut n: u64 = 0;
        while object.len() < minimum {
            n += 1;
            object.insert(format!("key-{n}"), self.value(others, depth + 1, n)?);
        }
        Some(Value::Object(object))
    }

    fn array(&self, schema: &Map<String, Value>, depth: usize) -> Option<Value> {
        let minimum = bound(schema, "minItems").unwrap_or(0);
        let maximum = bound(schema, "maxItems").unwrap_or(usize::MAX);
        let is_calm = self.is_calm(depth);
        let wanted = if is_calm { minimum } else { minimum.max(1).min(maximum) };
        let first = match schema.get("prefixItems") {
            Some(Value::Array(first)) => first.as_slice(),
            _ => &[],
        };
        let others = schema.get("items").unwrap_or(&Value::Bool(true));
        let mut items = Vec::new();
        for nth in 0..wanted.max(if is_calm { 0 } else { first.len().min(maximum) }) {
            let item = first.get(nth).unwrap_or(others);
            match self.value(item, depth + 1, u64::try_from(nth).unwrap_or(u64::MAX)) {
                Some(item) => items.push(item),
                None if items.len() >= minimum => break,
                None => return None,
            }
        }
        Some(Value::Array(items))
    }

    fn string(&self, schema: &Map<String, Value>, nth: u64) -> String {
        let luck = self.luck.wrapping_add(nth);
        if let Some(pattern) = schema.get("pattern").and_then(Value::as_str)
            && let Some(text) = pattern::text_for(pattern, luck)
        {
            return text;
        }
        let format = schema.get("format").and_then(Value::as_str).and_then(|format| formatted(format, luck));
        if let Some(text) = format {
            return text;
        }
        let mut text = if nth == 0 { self.text.to_owned() } else { format!("{}-{nth}", self.text) };
        let minimum = bound(schema, "minLength").unwrap_or(0);
        let length = text.chars().count();
        text.extend(std::iter::repeat_n('.', minimum.saturating_sub(length)));
        if let Some(maximum) = bound(schema, "maxLength")
            && length > maximum
        {
            // The end is what sets canaries apart, so the end is kept.
            text = text.chars().skip(length - maximum).collect();
        }
        text
    }

    /// The number for this luck that the bounds allow.
    fn number(&self, schema: &Map<String, Value>, whole: bool, nth: u64) -> Option<Value> {
        let read = |name: &str| schema.get(name).and_then(Value::as_f64);
        let step = read("multipleOf").filter(|step| *step > 0.0).unwrap_or(1.0);
        let step = if whole && step.fract() != 0.0 { 1.0 } else { step };
        // In steps, so that only whole numbers are left to choose from.
        let lowest = [
            read("minimum").map(|bound| (bound / step).ceil()),
            read("exclusiveMinimum").map(|bound| (bound / step).floor() + 1.0),
        ];
        let highest = [
            read("maximum").map(|bound| (bound / step).floor()),
            read("exclusiveMaximum").map(|bound| (bound / step).ceil() - 1.0),
        ];
        let lowest = lowest.into_iter().flatten().reduce(f64::max);
        let highest = highest.into_iter().flatten().reduce(f64::min);
        let (lowest, highest) = match (lowest, highest) {
            (None, None) => (0.0, 999.0),
            (Some(lowest), None) => (lowest, lowest + 999.0),
            (None, Some(highest)) => (highest - 999.0, highest),
            (Some(lowest), Some(highest)) => (lowest, highest),
        };
        if lowest > highest {
            return if whole { None } else { between(schema) };
        }
        let room = (highest - lowest).min(999.0) + 1.0;
        let offset = u32::try_from((self.luck % 1000).wrapping_add(nth) % 1000).expect("below a thousand");
        let steps = lowest + f64::from(offset) % room;
        // A tenth is not exact, ten are: 3 / 10 is what 0.3 is read as, 3 * 0.1 is not.
        let per_one = (1.0 / step).round();
        let is_part = step < 1.0 && (per_one * step - 1.0).abs() < 1e-9;
        let number = if is_part { steps / per_one } else { steps * step };
        if whole || number.fract() == 0.0 {
            integer(number)
        } else {
            Number::from_f64(number).map(Value::Number)
        }
    }

    /// Whether it is time to come to an end.
    fn is_calm(&self, depth: usize) -> bool {
        depth > CALM_DEPTH || self.n_values.get() > CALM_VALUES
    }

    fn pick(&self, n: usize, nth: u64) -> Option<usize> {
        let n = u64::try_from(n).ok()?;
        usize::try_from(self.luck.wrapping_add(nth).checked_rem(n)?).ok()
    }

    fn resolve(&self, name: &str) -> Option<&Value> {
        self.root.pointer(name.strip_prefix('#')?)
    }
}

/// A number between bounds that have no whole step between them.
fn between(schema: &Map<String, Value>) -> Option<Value> {
    let read = |names: [&str; 2]| names.into_iter().find_map(|name| schema.get(name).and_then(Value::as_f64));
    let low = read(["minimum", "exclusiveMinimum"])?;
    let high = read(["maximum", "exclusiveMaximum"])?;
    (low <= high).then(|| Number::from_f64(f64::midpoint(low, high)).map(Value::Number))?
}

/// A whole number written as one, if 64 bits hold it.
fn integer(number: f64) -> Option<Value> {
    format!("{number:.0}").parse::<Number>().ok().map(|number| match number.as_i64() {
        Some(whole) => Value::from(whole),
        None => Value::Number(number),
    })
}

/// A text of a format, from the formats that structured outputs allow.
fn formatted(format: &str, luck: u64) -> Option<String> {
    let (a, b, c) = (luck % 24, luck / 24 % 60, luck / 1440 % 60);
    let day = luck / 86400 % 28 + 1;
    Some(match format {
        "date-time" => format!("2026-01-{day:02}T{a:02}:{b:02}:{c:02}Z"),
        "date" => format!("2026-01-{day:02}"),
        "time" => format!("{a:02}:{b:02}:{c:02}Z"),
        "duration" => format!("PT{a}H{b}M"),
        "email" | "idn-email" => format!("canary-{:08x}@example.com", luck & 0xffff_ffff),
        "hostname" | "idn-hostname" => format!("canary-{:08x}.example.com", luck & 0xffff_ffff),
        "uri" | "url" | "iri" | "uri-reference" => format!("https://example.com/{:08x}", luck & 0xffff_ffff),
        "ipv4" => format!("192.0.2.{}", luck & 0xff),
        "ipv6" => format!("2001:db8::{:x}", luck & 0xffff),
        "uuid" => format!("{:08x}-0000-4000-8000-{:012x}", luck >> 32, luck & 0xffff_ffff),
        _ => return None,
    })
}
