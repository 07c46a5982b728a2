//! Pictures of any size that take hardly any room: one color, and a comment.
//!
//! Each is a whole file that every decoder reads. They are written here, byte by byte, since an encoder would first need
//! all the pixels, of which there may be millions; a single color needs none.

mod jpeg;
mod png;
#[cfg(test)]
mod tests;
mod webp;

/// How a picture is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PictureFormat {
    Png,
    Jpeg,
    Webp,
}

/// A picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Picture<'p> {
    /// In pixels; neither is zero.
    pub width: u16,
    /// In pixels.
    pub height: u16,
    /// Whether nothing is to be seen but what is behind it. A JPEG cannot be.
    pub is_transparent: bool,
    /// What it says of itself (ASCII): in a PNG as its comment, in a JPEG, too, in a WebP in its XMP metadata.
    pub comment: &'p str,
}

impl PictureFormat {
    /// Its name in requests.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Webp => "webp",
        }
    }
}

impl Picture<'_> {
    /// The file.
    pub(super) fn write(&self, format: PictureFormat) -> Vec<u8> {
        match format {
            PictureFormat::Png => png::write(self),
            PictureFormat::Jpeg => jpeg::write(self),
            PictureFormat::Webp => webp::write(self),
        }
    }
}

/// Bits, put into bytes one after the other.
struct Bits {
    bytes: Vec<u8>,
    n_free: u32,
}

impl Bits {
    fn new() -> Self {
        Self { bytes: Vec::new(), n_free: 0 }
    }

    /// Adds the lowest `n` bits of a value, the lowest first, each in the lowest free place of a byte.
    fn push(&mut self, value: u32, n: u32) {
        for bit in 0..n {
            if self.n_free == 0 {
                self.bytes.push(0);
                self.n_free = 8;
            }
            let last = self.bytes.last_mut().expect("one was just added, if there was none");
            *last |= u8::from(value >> bit & 1 == 1) << (8 - self.n_free);
            self.n_free -= 1;
        }
    }

    /// Adds the lowest `n` bits of a value, the highest first: how codes are added.
    fn push_code(&mut self, code: u32, n: u32) {
        for bit in (0..n).rev() {
            self.push(code >> bit, 1);
        }
    }
}
