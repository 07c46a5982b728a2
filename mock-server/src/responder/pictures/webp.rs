//! WebP: lossless, with codes of one value, so that a pixel takes no bit at all.

use super::{Bits, Picture};

/// That there are metadata, and that pixels may be transparent.
const XMP: u8 = 1 << 2;
const ALPHA: u8 = 1 << 4;

/// A WebP of one color: white, or transparent.
pub(super) fn write(picture: &Picture<'_>) -> Vec<u8> {
    let Picture { width, height, is_transparent, comment } = picture;
    let (width, height) = (u32::from(*width) - 1, u32::from(*height) - 1);
    let mut chunks = Vec::new();
    let flags = XMP | if *is_transparent { ALPHA } else { 0 };
    let header = [&[flags, 0, 0, 0][..], &width.to_le_bytes()[..3], &height.to_le_bytes()[..3]].concat();
    push_chunk(&mut chunks, *b"VP8X", &header);
    push_chunk(&mut chunks, *b"VP8L", &pixels(width, height, *is_transparent));
    push_chunk(&mut chunks, *b"XMP ", metadata(comment).as_bytes());
    let length = u32::try_from(chunks.len() + 4).expect("a picture is small");
    [b"RIFF", &length.to_le_bytes()[..], b"WEBP", &chunks].concat()
}

/// The pixels; width and height are told less one.
fn pixels(width: u32, height: u32, is_transparent: bool) -> Vec<u8> {
    let mut bits = Bits::new();
    bits.push(0x2f, 8);
    bits.push(width, 14);
    bits.push(height, 14);
    bits.push(u32::from(is_transparent), 1);
    // The version; then no transformation, no cache of colors, no more than one group of codes.
    bits.push(0, 3);
    bits.push(0, 3);
    let alpha = if is_transparent { 0 } else { 0xff };
    for value in [0xff, 0xff, 0xff, alpha] {
        // A simple code, of one value, which has 8 bits.
        bits.push(0b101, 3);
        bits.push(value, 8);
    }
    // The same for distances, of which there are none; the value has one bit.
    bits.push(0b001, 3);
    bits.push(0, 1);
    bits.bytes
}

fn metadata(comment: &str) -> String {
    format!(
        "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
         <rdf:Description xmlns:dc=\"http://purl.org/dc/elements/1.1/\" dc:description=\"{comment}\"/>\
         </rdf:RDF></x:xmpmeta>"
    )
}

fn push_chunk(chunks: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    let length = u32::try_from(data.len()).expect("a chunk is short");
    chunks.extend(kind);
    chunks.extend(length.to_le_bytes());
    chunks.extend_from_slice(data);
    // Chunks begin at even places.
    if data.len() % 2 == 1 {
        chunks.push(0);
    }
}
