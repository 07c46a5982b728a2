//! What is said of a client that was judged, signed, so that others can hold to it: a certificate, and a badge.
//!
//! A certificate tells what a report comes to, and the digest of that report. It is signed by a key that the user has; what
//! that is worth is for the reader to say, who knows whose key it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::standing::Standing;
use super::task::PROTOCOL;
use crate::case::Level;
use crate::report::Report;
use crate::verdict::Verdict;

/// The form of certificates.
const FORMAT: u32 = 1;

/// What is said of a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The form of this.
    pub format: u32,
    /// What the client is called, with its version.
    pub subject: String,
    /// Whether it is certified, in words.
    pub standing: String,
    /// Whether it is certified.
    pub certified: bool,
    /// What has judged it.
    pub suite: String,
    /// The version of the protocol by which it was driven.
    pub protocol: u32,
    /// From which all followed.
    pub seed: u64,
    /// Of the checks of each level, how many passed, and how many there are.
    pub passed: Passed,
    /// The SHA-256 of the report, without what differs between two runs.
    pub report_sha256: String,
}

/// Of the checks of each level, how many passed, and how many were run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// Of each MUST.
    pub must: [usize; 2],
    /// Of each SHOULD.
    pub should: [usize; 2],
    /// Of each MAY.
    pub may: [usize; 2],
}

/// A certificate with its signature, as a file has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Signed {
    certificate: Value,
    public_key: String,
    signature: String,
}

/// Why a certificate is not made, or not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// The key is none.
    #[error("it is no Ed25519 key in PEM, as `openssl genpkey -algorithm ed25519` makes one: {0}")]
    Key(String),
    /// The file is no certificate.
    #[error("it is no certificate: {0}")]
    Form(String),
    /// It has another form than this version reads.
    #[error("it is of form {0}, and this version reads form {FORMAT}")]
    Version(u32),
    /// What it says is not what was signed.
    #[error("it was changed after it was signed: the signature is not that of what it says")]
    Signature,
    /// Somebody else has signed it.
    #[error("it was signed with another key: with {0}")]
    Signer(String),
}

impl Certificate {
    /// What a report comes to.
    pub fn of(report: &Report, seed: u64) -> Self {
        let standing = Standing::of(report);
        let passed = |level: Level| {
            let of_level = || report.cases.iter().filter(move |case| case.level == level);
            [of_level().filter(|case| case.verdict == Verdict::Passed).count(), of_level().count()]
        };
        Self {
            format: FORMAT,
            subject: report.target.clone(),
            certified: matches!(standing, Standing::Certified { .. }),
            standing: standing.to_string(),
            suite: report.suite.clone(),
            protocol: PROTOCOL,
            seed,
            passed: Passed {
                must: passed(Level::Must),
                should: passed(Level::Should),
                may: passed(Level::May),
            },
            report_sha256: digest(report),
        }
    }

    /// It, signed with a private key in PEM, as the text of a file.
    ///
    /// # Errors
    ///
    /// If that is no such key.
    pub fn signed(&self, private_key: &str) -> Result<String, CertificateError> {
        let key = SigningKey::from_pkcs8_pem(private_key)
            .map_err(|error| CertificateError::Key(error.to_string()))?;
        let form = |error: serde_json::Error| CertificateError::Form(error.to_string());
        let certificate = serde_json::to_value(self).map_err(form)?;
        let signed = Signed {
            signature: STANDARD.encode(key.sign(certificate.to_string().as_bytes()).to_bytes()),
            public_key: STANDARD.encode(key.verifying_key().as_bytes()),
            certificate,
        };
        Ok(serde_json::to_string_pretty(&signed).map_err(form)? + "\n")
    }

    /// Reads a file, and holds its signature against what it says: with the key that it names, which must be this one, in
    /// PEM, if one is given. Gives the key as well, in base64.
    ///
    /// # Errors
    ///
    /// If it was changed, or signed by somebody else.
    pub fn verified(text: &str, public_key: Option<&str>) -> Result<(Self, String), CertificateError> {
        let form = |error: &dyn ToString| CertificateError::Form(error.to_string());
        let signed: Signed = serde_json::from_str(text).map_err(|error| form(&error))?;
        let format = signed.certificate["format"].as_u64().and_then(|format| u32::try_from(format).ok());
        if let Some(format) = format.filter(|format| *format != FORMAT) {
            return Err(CertificateError::Version(format));
        }
        let bytes = STANDARD.decode(&signed.public_key).map_err(|error| form(&error))?;
        let bytes = <[u8; 32]>::try_from(bytes).map_err(|_| form(&"its public key has not 32 bytes"))?;
        let owner = VerifyingKey::from_bytes(&bytes).map_err(|error| form(&error))?;
        if let Some(expected) = public_key {
            let expected = VerifyingKey::from_public_key_pem(expected)
                .map_err(|error| CertificateError::Key(error.to_string()))?;
            if expected != owner {
                return Err(CertificateError::Signer(signed.public_key));
            }
        }
        let bytes = STANDARD.decode(&signed.signature).map_err(|error| form(&error))?;
        let signature = Signature::from_slice(&bytes).map_err(|error| form(&error))?;
        owner
            .verify_strict(signed.certificate.to_string().as_bytes(), &signature)
            .map_err(|_| CertificateError::Signature)?;
        let certificate = serde_json::from_value(signed.certificate).map_err(|error| form(&error))?;
        Ok((certificate, signed.public_key))
    }
}

/// The SHA-256 of a report, without what differs between two runs with one seed.
pub fn digest(report: &Report) -> String {
    let mut report = report.clone().without_exchanges();
    for case in &mut report.cases {
        case.milliseconds = 0;
    }
    let hash = Sha256::digest(crate::report::json(&report));
    hash.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// A small picture that tells what a report comes to.
pub fn badge(report: &Report) -> String {
    let (word, color) = match Standing::of(report) {
        Standing::Certified { .. } => ("certified", "#2f7d4f"),
        Standing::NotCertified { .. } => ("not certified", "#a23b3b"),
        Standing::Selection { .. } => ("not all was run", "#6b6b6b"),
    };
    let left = "batch client";
    let (left_width, right_width) = (width_of(left), width_of(word));
    let width = left_width + right_width;
    let (left_middle, right_middle) = (left_width / 2, left_width + right_width / 2);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"20\" role=\"img\" aria-label=\"{left}: {word}\">\n\
         <title>{left}: {word}</title>\n\
         <clipPath id=\"r\"><rect width=\"{width}\" height=\"20\" rx=\"3\"/></clipPath>\n\
         <g clip-path=\"url(#r)\"><rect width=\"{left_width}\" height=\"20\" fill=\"#444\"/>\
         <rect x=\"{left_width}\" width=\"{right_width}\" height=\"20\" fill=\"{color}\"/></g>\n\
         <g fill=\"#fff\" text-anchor=\"middle\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\
         <text x=\"{left_middle}\" y=\"14\">{left}</text><text x=\"{right_middle}\" y=\"14\">{word}</text></g>\n\
         </svg>\n"
    )
}

/// How wide a word is, with some room beside it.
fn width_of(word: &str) -> usize {
    word.len() * 7 + 12
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::report;

    const PRIVATE: &str = "-----BEGIN PRIVATE KEY-----\n\
                           MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
                           -----END PRIVATE KEY-----\n";

    const PUBLIC: &str = "-----BEGIN PUBLIC KEY-----\n\
                          MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
                          -----END PUBLIC KEY-----\n";

    const OTHER: &str = "-----BEGIN PUBLIC KEY-----\n\
                         MCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\n\
                         -----END PUBLIC KEY-----\n";

    fn certificate() -> Certificate {
        Certificate::of(&report::report("my client 1.0", Level::Must, &[]), 7)
    }

    #[test]
    fn a_certificate_is_believed_as_it_was_signed() {
        let text = certificate().signed(PRIVATE).unwrap();
        for key in [None, Some(PUBLIC)] {
            let (read, signer) = Certificate::verified(&text, key).unwrap();
            assert_eq!(read, certificate());
            assert!(PUBLIC.contains(&signer[1..]), "{signer}");
        }
    }

    #[test]
    fn one_that_was_changed_or_that_somebody_else_has_signed_is_not() {
        let text = certificate().signed(PRIVATE).unwrap();
        assert!(!certificate().certified, "what was not run certifies nothing");
        let changed = text.replace("\"certified\": false", "\"certified\": true");
        assert_ne!(changed, text);
        assert_eq!(Certificate::verified(&changed, None), Err(CertificateError::Signature));
        assert!(matches!(Certificate::verified(&text, Some(OTHER)), Err(CertificateError::Signer(_))));
        assert!(matches!(Certificate::verified(&text, Some("no key")), Err(CertificateError::Key(_))));
        assert!(matches!(certificate().signed(PUBLIC), Err(CertificateError::Key(_))));
        assert!(matches!(Certificate::verified("{}", None), Err(CertificateError::Form(_))));
        let newer = text.replace("\"format\": 1", "\"format\": 2");
        assert_eq!(Certificate::verified(&newer, None), Err(CertificateError::Version(2)));
    }

    #[test]
    fn a_badge_tells_what_is_said() {
        let badge = badge(&report::report("my client 1.0", Level::Must, &[]));
        assert!(badge.contains("aria-label=\"batch client: not all was run\""), "{badge}");
    }

    #[test]
    fn a_digest_is_that_of_what_does_not_differ() {
        let report = report::report("my client 1.0", Level::Must, &[]);
        let mut other = report.clone();
        other.target.push('1');
        assert_eq!(digest(&report), digest(&report.clone()));
        assert_ne!(digest(&report), digest(&other));
    }
}
