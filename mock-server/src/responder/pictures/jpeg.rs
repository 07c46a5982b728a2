//! JPEG: a single gray, whose blocks take two bits each.

use super::Picture;

/// A gray JPEG: each block is as the one before, and has nothing in it.
pub(super) fn write(picture: &Picture<'_>) -> Vec<u8> {
    let Picture { width, height, is_transparent: _, comment } = picture;
    let mut file = vec![0xff, 0xd8];
    push_segment(&mut file, 0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
    push_segment(&mut file, 0xfe, comment.as_bytes());
    // One table of quantization, which divides by nothing.
    push_segment(&mut file, 0xdb, &[&[0][..], &[1; 64]].concat());
    // Baseline, 8 bits, one component, without subsampling.
    let size = [&[8][..], &height.to_be_bytes(), &width.to_be_bytes(), &[1, 1, 0x11, 0]].concat();
    push_segment(&mut file, 0xc0, &size);
    // A table of codes for the mean of a block and one for the rest: each has one code of one bit, which stands for
    // no difference, or for the end of the block.
    for class in [0x00, 0x10] {
        push_segment(&mut file, 0xc4, &[&[class, 1][..], &[0; 15], &[0]].concat());
    }
    push_segment(&mut file, 0xda, &[1, 1, 0, 0, 63, 0]);
    let blocks = usize::from(width.div_ceil(8)) * usize::from(height.div_ceil(8));
    file.resize(file.len() + blocks / 4, 0);
    // What is left of the last byte is filled with ones.
    if blocks % 4 > 0 {
        file.push(0xff >> (2 * (blocks % 4)));
    }
    file.extend([0xff, 0xd9]);
    file
}

fn push_segment(file: &mut Vec<u8>, marker: u8, data: &[u8]) {
    let length = u16::try_from(data.len() + 2).expect("a segment is short");
    file.extend([0xff, marker]);
    file.extend(length.to_be_bytes());
    file.extend_from_slice(data);
}
