//! PNG: a palette of one color, and rows of zeros.

use super::{Bits, Picture};

/// A PNG of one color: white, or transparent.
pub(super) fn write(picture: &Picture<'_>) -> Vec<u8> {
    let Picture { width, height, is_transparent, comment } = picture;
    let (width, height) = (u32::from(*width), u32::from(*height));
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    // A bit for each pixel, a palette; then deflate, no filter, no interlacing.
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[1, 3, 0, 0, 0]].concat();
    push_chunk(&mut file, *b"IHDR", &header);
    push_chunk(&mut file, *b"PLTE", &[0xff; 3]);
    if *is_transparent {
        push_chunk(&mut file, *b"tRNS", &[0]);
    }
    push_chunk(&mut file, *b"tEXt", &[b"Comment\0", comment.as_bytes()].concat());
    // Each row has a byte that says how it is filtered.
    push_chunk(&mut file, *b"IDAT", &zeros_in_zlib(height * (1 + width.div_ceil(8))));
    push_chunk(&mut file, *b"IEND", &[]);
    file
}

/// The longest match of deflate.
const LONGEST: u32 = 258;

/// So many zero bytes, in the form of zlib: one, and then copies of what is there already.
fn zeros_in_zlib(n: u32) -> Vec<u8> {
    let mut bits = Bits::new();
    // The last block, with the codes that every decoder knows.
    bits.push(1, 1);
    bits.push(1, 2);
    let zero = |bits: &mut Bits| bits.push_code(0x30, 8);
    zero(&mut bits);
    for _ in 0..(n - 1) / LONGEST {
        // The code of the longest match, and that of a distance of one.
        bits.push_code(0xc5, 8);
        bits.push_code(0, 5);
    }
    for _ in 0..(n - 1) % LONGEST {
        zero(&mut bits);
    }
    // The end.
    bits.push_code(0, 7);
    // Adler-32: the sum of the bytes is 1 all along, and that of the sums counts them.
    let adler = (n % 65_521) << 16 | 1;
    [&[0x78, 1][..], &bits.bytes, &adler.to_be_bytes()].concat()
}

fn push_chunk(file: &mut Vec<u8>, kind: [u8; 4], data: &[u8]) {
    let length = u32::try_from(data.len()).expect("a chunk is short");
    file.extend(length.to_be_bytes());
    let start = file.len();
    file.extend(kind);
    file.extend_from_slice(data);
    let sum = crc32(&file[start..]);
    file.extend(sum.to_be_bytes());
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_png() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
