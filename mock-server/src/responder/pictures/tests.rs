//! A decoder reads what is written.

use image::{ColorType, GenericImageView as _, ImageFormat};
use proptest::prelude::*;

use super::*;

const FORMATS: [(PictureFormat, ImageFormat); 3] = [
    (PictureFormat::Png, ImageFormat::Png),
    (PictureFormat::Jpeg, ImageFormat::Jpeg),
    (PictureFormat::Webp, ImageFormat::WebP),
];

fn check(width: u16, height: u16, is_transparent: bool) {
    let picture = Picture { width, height, is_transparent, comment: "teal-swift-00000001" };
    for (format, expected) in FORMATS {
        let file = picture.write(format);
        assert_eq!(image::guess_format(&file).unwrap(), expected);
        let image = image::load_from_memory_with_format(&file, expected)
            .unwrap_or_else(|error| panic!("{expected:?} of {width} x {height}: {error}"));
        assert_eq!(image.dimensions(), (u32::from(width), u32::from(height)), "{expected:?}");
        let colors: std::collections::BTreeSet<_> = image.pixels().map(|(_, _, color)| color.0).collect();
        assert_eq!(colors.len(), 1, "{expected:?} has one color: {colors:?}");
        let alpha = colors.first().unwrap()[3];
        let shows_through = is_transparent && expected != ImageFormat::Jpeg;
        assert_eq!(alpha, if shows_through { 0 } else { 0xff }, "{expected:?}");
        assert!(memchr::memmem::find(&file, b"teal-swift-00000001").is_some(), "{expected:?}");
    }
}

#[test]
fn pictures_have_the_size_that_was_asked_for() {
    for (width, height) in [(1, 1), (256, 256), (1024, 1536), (1792, 1024)] {
        check(width, height, false);
        check(width, height, true);
    }
}

#[test]
fn pictures_take_little_room() {
    let picture = Picture { width: 1024, height: 1024, is_transparent: false, comment: "" };
    for (format, most) in
        [(PictureFormat::Png, 1_300), (PictureFormat::Jpeg, 4_400), (PictureFormat::Webp, 350)]
    {
        let size = picture.write(format).len();
        assert!(size < most, "{format:?}: {size}");
    }
}

#[test]
fn a_jpeg_is_gray() {
    let picture = Picture { width: 9, height: 9, is_transparent: false, comment: "" };
    let image = image::load_from_memory(&picture.write(PictureFormat::Jpeg)).unwrap();
    assert_eq!(image.color(), ColorType::L8);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pictures_of_any_size_can_be_read(width in 1..200_u16, height in 1..200_u16, is_transparent: bool) {
        check(width, height, is_transparent);
    }
}
