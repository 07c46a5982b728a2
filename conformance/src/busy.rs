//! Servers that have no time: how long they want to be left alone, and when they are given up.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;

/// How often a request is sent before a server is given up that has no time for it.
const TRIES: u32 = 6;

/// The longest that is waited because a server asks for it.
const LONGEST: Duration = Duration::from_mins(2);

/// Whether a server has no time for a request, and may have it later.
pub(crate) fn is_too_busy(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 503)
}

/// How long a server is left alone after so many tries, by what it says: a second, and twice as long each time, if it says
/// nothing. Or why it is given up.
pub(crate) fn pause_after(headers: &HeaderMap, tries: u32) -> Result<Duration, String> {
    let pause = asked(headers).unwrap_or_else(|| Duration::from_secs(1 << (tries - 1)));
    if tries == TRIES || pause > LONGEST {
        return Err(format!("{tries} times, at last to wait {} s", pause.as_secs()));
    }
    Ok(pause)
}

fn asked(headers: &HeaderMap) -> Option<Duration> {
    let header = |name: &str| headers.get(name)?.to_str().ok();
    let milliseconds = header("retry-after-ms").and_then(|text| text.parse().ok());
    milliseconds.map(Duration::from_millis).or_else(|| {
        let text = header("retry-after")?;
        let seconds = text.parse().ok().map(Duration::from_secs);
        seconds.or_else(|| {
            let date = |text: &str| httpdate::parse_http_date(text).ok();
            date(text)?.duration_since(date(header("date")?)?).ok()
        })
    })
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn pause(headers: &[(&'static str, &'static str)], tries: u32) -> Result<Duration, String> {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        pause_after(&headers.collect(), tries)
    }

    #[test]
    fn a_server_is_left_alone_for_as_long_as_it_asks() {
        let seconds = |seconds| Ok(Duration::from_secs(seconds));
        assert_eq!(pause(&[("retry-after", "7")], 1), seconds(7));
        let both = [("retry-after", "7"), ("retry-after-ms", "250")];
        assert_eq!(pause(&both, 1), Ok(Duration::from_millis(250)));
        let date =
            [("date", "Thu, 01 Jan 2026 00:00:00 GMT"), ("retry-after", "Thu, 01 Jan 2026 00:00:09 GMT")];
        assert_eq!(pause(&date, 1), seconds(9));
        assert_eq!(pause(&[("retry-after", "soon")], 3), seconds(4));
        assert_eq!([1, 2, 5].map(|tries| pause(&[], tries)), [seconds(1), seconds(2), seconds(16)]);
    }

    #[test]
    fn a_server_is_given_up_in_the_end() {
        assert_eq!(pause(&[("retry-after", "2")], 6), Err("6 times, at last to wait 2 s".to_owned()));
        assert_eq!(pause(&[("retry-after", "3600")], 1), Err("1 times, at last to wait 3600 s".to_owned()));
    }
}
