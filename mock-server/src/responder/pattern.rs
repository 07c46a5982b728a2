//! A text that matches a regular expression, for the plain ones that schemas use.
//!
//! Literals, classes, groups, alternatives, anchors and quantifiers are understood; look-around, back
//! references and Unicode classes are not, and then there is no text.

use std::iter::Peekable;
use std::str::Chars;

/// The most that a quantifier repeats.
const MAX_REPEAT: usize = 64;
/// The longest text, since groups multiply.
const MAX_LENGTH: usize = 4096;

/// A text that matches the pattern; `luck` picks among the characters of classes.
pub(super) fn text_for(pattern: &str, luck: u64) -> Option<String> {
    let mut reader = Reader { rest: pattern.chars().peekable(), luck, depth: 0 };
    let text = reader.alternatives()?;
    reader.rest.next().is_none().then_some(text)
}

struct Reader<'p> {
    rest: Peekable<Chars<'p>>,
    luck: u64,
    depth: usize,
}

impl Reader<'_> {
    /// The first of the alternatives; the others are read and dropped.
    fn alternatives(&mut self) -> Option<String> {
        self.depth += 1;
        if self.depth > 32 {
            return None;
        }
        let first = self.sequence()?;
        while self.rest.next_if_eq(&'|').is_some() {
            self.sequence()?;
        }
        self.depth -= 1;
        Some(first)
    }

    fn sequence(&mut self) -> Option<String> {
        let mut text = String::new();
        while let Some(&next) = self.rest.peek() {
            if next == '|' || next == ')' {
                break;
            }
            self.rest.next();
            match next {
                '^' | '$' => {}
                '(' => {
                    if self.rest.next_if_eq(&'?').is_some() {
                        self.rest.next_if_eq(&':')?;
                    }
                    let group = self.alternatives()?;
                    self.rest.next_if_eq(&')')?;
                    let n = self.quantifier()?;
                    if group.len().saturating_mul(n) > MAX_LENGTH {
                        return None;
                    }
                    text.push_str(&group.repeat(n));
                }
                '*' | '+' | '?' => return None,
                other => {
                    let set = match other {
                        '[' => self.class()?,
                        '\\' => self.escape()?,
                        '.' => vec![('a', 'z')],
                        literal => vec![(literal, literal)],
                    };
                    for _ in 0..self.quantifier()? {
                        text.push(self.pick(&set)?);
                    }
                }
            }
            if text.len() > MAX_LENGTH {
                return None;
            }
        }
        Some(text)
    }

    /// How often what came before is repeated: as seldom as allowed, but once rather than never.
    fn quantifier(&mut self) -> Option<usize> {
        let n = match self.rest.peek() {
            Some('*' | '+' | '?') => {
                self.rest.next();
                1
            }
            Some('{') => {
                self.rest.next();
                let minimum = self.digits()?;
                let mut maximum = Some(minimum);
                if self.rest.next_if_eq(&',').is_some() {
                    maximum = if self.rest.peek() == Some(&'}') { None } else { Some(self.digits()?) };
                }
                self.rest.next_if_eq(&'}')?;
                minimum.max(usize::from(maximum != Some(0)))
            }
            _ => return Some(1),
        };
        // A lazy quantifier matches the same texts.
        self.rest.next_if_eq(&'?');
        (n <= MAX_REPEAT).then_some(n)
    }

    fn digits(&mut self) -> Option<usize> {
        let mut digits = String::new();
        while let Some(digit) = self.rest.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        digits.parse().ok()
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Option<Vec<(char, char)>> {
        Some(match self.rest.next()? {
            'd' => vec![('0', '9')],
            'w' => vec![('a', 'z'), ('0', '9')],
            's' => vec![(' ', ' ')],
            'D' | 'S' => vec![('a', 'z')],
            'W' => vec![('-', '-')],
            'n' => vec![('\n', '\n')],
            't' => vec![('\t', '\t')],
            letter if letter.is_ascii_alphanumeric() => return None,
            literal => vec![(literal, literal)],
        })
    }

    /// What stands between brackets.
    fn class(&mut self) -> Option<Vec<(char, char)>> {
        let negated = self.rest.next_if_eq(&'^').is_some();
        let mut set = Vec::new();
        loop {
            let low = match self.rest.next()? {
                ']' if !set.is_empty() => break,
                '\\' => {
                    let escaped = self.escape()?;
                    match escaped[..] {
                        [(low, high)] if low == high => low,
                        _ => {
                            set.extend(escaped);
                            continue;
                        }
                    }
                }
                // A class in a class, or a POSIX one: not plain.
                '[' if self.rest.peek() == Some(&':') => return None,
                literal => literal,
            };
            if self.rest.next_if_eq(&'-').is_none() {
                set.push((low, low));
            } else if self.rest.peek() == Some(&']') {
                set.extend([(low, low), ('-', '-')]);
            } else {
                let high = match self.rest.next()? {
                    '\\' => self.rest.next()?,
                    literal => literal,
                };
                set.push((low, high));
            }
        }
        if !negated {
            return Some(set);
        }
        let outside = |c: &char| !set.iter().any(|(low, high)| (low..=high).contains(&c));
        let allowed: Vec<_> = ('a'..='z').chain('0'..='9').chain(' '..='/').filter(outside).collect();
        (!allowed.is_empty()).then(|| allowed.into_iter().map(|c| (c, c)).collect())
    }

    /// A character of a set of ranges.
    fn pick(&mut self, set: &[(char, char)]) -> Option<char> {
        let size =
            |(low, high): &(char, char)| u64::from(u32::from(*high).saturating_sub(u32::from(*low))) + 1;
        let total: u64 = set.iter().map(size).sum();
        // Knuth's multiplier spreads the luck over the characters of one text.
        self.luck = self.luck.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mut index = (self.luck >> 33).checked_rem(total)?;
        for range in set {
            if index < size(range) {
                return char::from_u32(u32::from(range.0) + u32::try_from(index).ok()?);
            }
            index -= size(range);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_patterns_have_a_text() {
        let texts: Vec<String> = [
            r"^[A-Z]{3}-\d{4}$",
            r"^(red|green)+$",
            r"^\+?[1-9]\d{1,14}$",
            r"^[^@\s]+@[a-z.]+\.com$",
            r"[a-z0-9-]*x{0}y{2,}",
            r"^#?([a-f0-9]{6}|[a-f0-9]{3})$",
        ]
        .iter()
        .map(|pattern| text_for(pattern, 5).unwrap())
        .collect();
        insta::assert_snapshot!(texts.join("\n"), @r#"
        OXC-5199
        red
        +94
        h@q.com
        jyy
        #7479dd
        "#);
    }

    #[test]
    fn patterns_that_are_not_plain_have_none() {
        for pattern in ["(?=a)b", r"(a)\1", "[", "(", "a{9999}", "*", r"\p{L}", "((((a{64}){64}){64}){64})"] {
            assert_eq!(text_for(pattern, 0), None, "{pattern}");
        }
    }
}
