//! The forms of the ids that the API hands out.
//!
//! Each function draws from a generator that the caller has seeded for this one object, so ids are the same
//! for the same seed and requests.

use std::fmt::Write as _;

use rand::{Rng, RngExt};

use crate::sim::Timestamp;
use crate::switches::LineRequestId;

/// The digits of file ids: digits and letters that are not mistaken for each other (F-104).
const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// `file-` and 22 digits to the base 58, which are a UUID of version 8 (F-104, F-105). In all of 3,600
/// recorded ids its third group is `8ff` and a digit, and the two bits before it are zero.
pub(crate) fn file(rng: &mut impl Rng) -> String {
    let last = match rng.random_range(0..100_u8) {
        0..72 => 0xf,
        72..92 => 0x9,
        92..96 => 0x7,
        _ => 0x8,
    };
    let fixed = (0b11_u128 << 80) | (0xffff << 64) | (0b11 << 62);
    let bits = rng.random::<u128>() & !fixed | (0x8ff0 | last) << 64 | 0b10 << 62;
    let mut id = *b"file-1111111111111111111111";
    let mut rest = bits;
    for digit in id[5..].iter_mut().rev() {
        *digit = BASE58[usize::try_from(rest % 58).expect("less than 58")];
        rest /= 58;
    }
    String::from_utf8_lossy(&id).into_owned()
}

/// `batch_` and a [timed] number (F-201).
pub(crate) fn batch(created_at: Timestamp, rng: &mut impl Rng) -> String {
    timed("batch_", created_at, rng)
}

/// `upload_` and a [timed] number (F-157).
pub(crate) fn upload(created_at: Timestamp, rng: &mut impl Rng) -> String {
    timed("upload_", created_at, rng)
}

/// `part_` and a [timed] number (F-157).
pub(crate) fn part(created_at: Timestamp, rng: &mut impl Rng) -> String {
    timed("part_", created_at, rng)
}

/// `batch_req_` and a [timed] number, whose time is that at which the result was written (F-353, F-502).
pub(crate) fn batch_request(written_at: Timestamp, rng: &mut impl Rng) -> String {
    timed("batch_req_", written_at, rng)
}

/// The id of an event that webhooks tell: `evt_` and a [timed] number (F-401).
pub(crate) fn event(created_at: Timestamp, rng: &mut impl Rng) -> String {
    timed("evt_", created_at, rng)
}

/// A `webhook-id`: `wh_` and a [timed] number (F-402).
pub(crate) fn webhook(created_at: Timestamp, rng: &mut impl Rng) -> String {
    timed("wh_", created_at, rng)
}

/// The `request_id` of a result line (F-354).
pub(crate) fn line_request(form: LineRequestId, rng: &mut impl Rng) -> String {
    let bits: u128 = rng.random();
    if form == LineRequestId::Hex {
        return format!("{bits:032x}");
    }
    let (version, variant) = (4_u128 << 76, 8_u128 << 60);
    let bits = bits & !(0xf << 76) & !(0xc << 60) | version | variant;
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// The `x-request-id` of an answer: `req_` and 32 hexadecimal digits (F-010).
pub(crate) fn request(rng: &mut impl Rng) -> String {
    ["req_", hex(rng.random(), &mut [0; 32])].concat()
}

/// The `cf-ray` of an answer: 16 hexadecimal digits and an airport.
pub(crate) fn ray(rng: &mut impl Rng) -> String {
    [hex(rng.random::<u64>().into(), &mut [0; 16]), "-SEA"].concat()
}

/// An organization or project id: the prefix and 24 letters and digits.
pub(crate) fn account(prefix: &str, rng: &mut impl Rng) -> String {
    let mut id = prefix.to_owned();
    id.extend((0..24).map(|_| char::from(rng.sample(rand::distr::Alphanumeric))));
    id
}

/// The last digits of a number, which is not formatted as others are, since each answer has two of them.
fn hex(mut number: u128, digits: &mut [u8]) -> &str {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[usize::try_from(number & 0xf).expect("less than 16")];
        number >>= 4;
    }
    str::from_utf8(digits).expect("digits are ASCII")
}

/// 32 hexadecimal digits (F-201, F-501): eight for the seconds of the time, four that look like a fraction
/// of a second and have their low two bits zero, `8190` (in 97 of 100) or `8191`, and sixteen that begin
/// with a UUID's variant.
fn timed(prefix: &str, time: Timestamp, rng: &mut impl Rng) -> String {
    let seconds = time.unix_seconds() & 0xffff_ffff;
    let fraction = rng.random::<u16>() & !0b11;
    let version = if rng.random_ratio(97, 100) { 0x8190 } else { 0x8191 };
    let rest = rng.random::<u64>() & !(0b11 << 62) | 0b10 << 62;
    let mut id = String::with_capacity(prefix.len() + 32);
    id.push_str(prefix);
    write!(id, "{seconds:08x}{fraction:04x}{version:04x}{rest:016x}").expect("a String takes any text");
    id
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Seed;

    const TIME: Timestamp = Timestamp::from_unix_seconds(0x6700_0000);

    #[test]
    fn ids_have_the_recorded_forms() {
        let mut rng = Seed::new(0).rng();
        insta::assert_snapshot!(
            [
                file(&mut rng),
                batch(TIME, &mut rng),
                batch_request(TIME, &mut rng),
                line_request(LineRequestId::Uuid, &mut rng),
                line_request(LineRequestId::Hex, &mut rng),
                request(&mut rng),
                account("proj_", &mut rng),
            ]
            .join("\n")
        );
    }

    #[test]
    fn f_104_a_file_id_is_a_uuid_of_version_8_to_the_base_58() {
        let mut rng = Seed::new(0).rng();
        for _ in 0..1_000 {
            let id = file(&mut rng);
            let digits = id.strip_prefix("file-").unwrap();
            assert_eq!(digits.len(), 22);
            let value = |digit| BASE58.iter().position(|other| *other == digit).unwrap() as u128;
            let uuid = digits.bytes().fold(0, |number: u128, digit| number * 58 + value(digit));
            let uuid = format!("{uuid:032x}");
            assert!("048c".contains(&uuid[11..12]), "{uuid}");
            assert!(["8ff7", "8ff8", "8ff9", "8fff"].contains(&&uuid[12..16]), "{uuid}");
            assert!("89ab".contains(&uuid[16..17]), "{uuid}");
        }
    }

    #[test]
    fn timed_ids_have_the_inner_structure_of_recorded_ones() {
        let mut rng = Seed::new(0).rng();
        for _ in 0..1_000 {
            let id = batch(TIME, &mut rng);
            let digits = id.strip_prefix("batch_").unwrap();
            assert_eq!(digits.len(), 32);
            assert_eq!(&digits[..8], "67000000");
            assert_eq!(u16::from_str_radix(&digits[8..12], 16).unwrap() & 0b11, 0);
            assert!(["8190", "8191"].contains(&&digits[12..16]));
            assert!("89ab".contains(&digits[16..17]));
        }
    }
}
