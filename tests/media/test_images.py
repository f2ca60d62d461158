"""Images become what GigaChat takes, look as they did, tell nothing of their maker, and can't harm."""

from __future__ import annotations

import io
import time

import pytest
from PIL import Image, ImageCms

from app.media import images
from app.media.failure import MediaError
from app.media.images import ConvertedImage, can_convert, check, convert
from tests.media import files

LIMIT = 15 * 2**20
RED, WHITE = (255, 0, 0), (255, 255, 255)
ORIENTATION, MAKER, PLACE = 0x0112, 0x010F, 0x8825


def opened(result: ConvertedImage) -> Image.Image:
    """The result as an image; its type must be true."""
    image = Image.open(io.BytesIO(result.data))
    assert image.get_format_mimetype() == result.mime
    return image


def near(color: object, other: tuple[int, ...]) -> bool:
    """Whether two colours look alike."""
    assert isinstance(color, tuple)
    return all(abs(one - two) < 40 for one, two in zip(color, other, strict=True))


@pytest.mark.parametrize("form", ["WEBP", "GIF", "HEIF", "AVIF", "PNG", "JPEG", "BMP", "TIFF"])
async def test_formats(form: str) -> None:
    """Every format that people send becomes a JPEG that shows the same."""
    result = await convert(files.photo(form), LIMIT)
    image = opened(result)
    assert (result.mime, result.note, image.size) == ("image/jpeg", None, (64, 48))
    assert near(image.getpixel((5, 5)), RED)
    assert near(image.getpixel((60, 45)), (240, 240, 240))


@pytest.mark.long
@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "LAB", "RGBA", "RGBX", "PA", "LA"])
async def test_modes(mode: str) -> None:
    """Every way to store colours is read; a picture that could be transparent and isn't becomes a JPEG too."""
    result = await convert(files.saved(files.picture(mode), "TIFF"), LIMIT)
    assert result.mime == "image/jpeg"
    assert opened(result).size == (64, 48)


@pytest.mark.long
@pytest.mark.parametrize("form", ["PNG", "TIFF"])
async def test_sixteen_bits(form: str) -> None:
    """Sixteen bits of grey are scaled to eight, not cut off."""
    deep = Image.new("I;16", (64, 48), 0x4000)
    deep.paste(Image.new("I;16", (32, 48), 0xC000))
    image = opened(await convert(files.saved(deep, form), LIMIT)).convert("L")
    assert image.getpixel((5, 5)) == pytest.approx(0xC0, abs=3)
    assert image.getpixel((60, 45)) == pytest.approx(0x40, abs=3)


def veiled(size: tuple[int, int] = (64, 48)) -> Image.Image:
    """A picture whose right half can be seen through."""
    image = files.picture("RGBA", size)
    image.paste((0, 0, 0, 0), (size[0] // 2, 0, *size))
    return image


@pytest.mark.parametrize("form", ["WEBP", "PNG", "AVIF", "HEIF", "TIFF", "GIF"])
async def test_transparency(form: str) -> None:
    """Transparent parts stay so in a PNG; where that is too large for the limit, they are white in a JPEG."""
    data = files.saved(veiled(), form)
    kept = await convert(data, LIMIT)
    image = opened(kept).convert("RGBA")
    assert (kept.mime, kept.note) == ("image/png", None)
    assert image.getpixel((60, 20))[3] < 10  # type: ignore[index]
    assert near(image.getpixel((5, 5)), (*RED, 255))
    rough = files.saved(veiled((320, 240)).effect_spread(9), form)
    limit = len((await convert(rough, LIMIT)).data) - 1
    flat = await convert(rough, limit)
    assert flat.mime == "image/jpeg"
    assert len(flat.data) <= limit
    assert near(opened(flat).getpixel((300, 100)), WHITE)


async def test_limit() -> None:
    """A JPEG is made coarser until it fits; what can't fit is too large."""
    data = files.saved(files.picture(size=(800, 600)).effect_spread(50), "WEBP", lossless=True)
    sizes = [len((await convert(data, limit)).data) for limit in (LIMIT, 120_000, 90_000)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) > 1
    with pytest.raises(MediaError) as caught:
        await convert(data, 10_000)
    assert caught.value.reason == "too_large"


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "AVIF", "TIFF"])
async def test_animation(form: str) -> None:
    """The first frame is taken, and it is told that there were more."""
    rest = [Image.new("RGB", (64, 48), color) for color in ("blue", "green")]
    result = await convert(files.saved(files.picture(), form, save_all=True, append_images=rest), LIMIT)
    assert result.note == "first_frame"
    assert near(opened(result).getpixel((5, 5)), RED)


async def test_a_cameras_second_picture() -> None:
    """A JPEG with a preview or a depth map in it is no animation."""
    data = files.saved(files.picture(), "MPO", save_all=True, append_images=[files.picture("L")])
    assert (await convert(data, LIMIT)).note is None


@pytest.mark.long
@pytest.mark.parametrize("form", ["JPEG", "WEBP", "HEIF", "AVIF", "PNG", "TIFF"])
@pytest.mark.parametrize(("turn", "corner"), [(1, (5, 5)), (2, (59, 5)), (3, (59, 43)), (4, (5, 43))])
async def test_orientation(form: str, turn: int, corner: tuple[int, int]) -> None:
    """The picture is turned as the camera said, once: the red quarter is in its place."""
    exif = Image.Exif()
    exif[ORIENTATION] = turn
    image = opened(await convert(files.saved(files.picture(), form, exif=exif.tobytes()), LIMIT))
    assert near(image.getpixel(corner), RED)
    assert not image.getexif()


@pytest.mark.long
@pytest.mark.parametrize("form", ["JPEG", "WEBP", "HEIF"])
@pytest.mark.parametrize(("turn", "corner"), [(5, (5, 5)), (6, (43, 5)), (7, (43, 59)), (8, (5, 59))])
async def test_orientation_sideways(form: str, turn: int, corner: tuple[int, int]) -> None:
    """A picture from a phone that was held upright."""
    exif = Image.Exif()
    exif[ORIENTATION] = turn
    image = opened(await convert(files.saved(files.picture(), form, exif=exif.tobytes()), LIMIT))
    assert image.size == (48, 64)
    assert near(image.getpixel(corner), RED)


async def test_broken_metadata() -> None:
    """A picture is taken though what is said about it can't be read."""
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0\xff\xff\xff\x7f\xff\xff\xff\x7f" * 3
    assert (await convert(files.saved(files.picture(), "WEBP", exif=exif), LIMIT)).mime == "image/jpeg"


@pytest.mark.long
@pytest.mark.parametrize("form", ["JPEG", "WEBP", "HEIF", "AVIF", "PNG", "TIFF"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
async def test_metadata(form: str, mode: str) -> None:
    """Where and with what it was taken stays behind."""
    exif = Image.Exif()
    exif[MAKER] = "SECRETMAKER"
    exif.get_ifd(PLACE)[29] = "2026:01:01"
    source = (veiled() if mode == "RGBA" else files.picture()).convert("RGB" if form == "JPEG" else mode)
    options = {"comment": "SECRETMAKER"} if form == "JPEG" else {}
    data = files.saved(source, form, exif=exif.tobytes(), xmp=b"<x>SECRETMAKER</x>", **options)
    assert b"SECRETMAKER" in data
    result = await convert(data, LIMIT)
    assert b"SECRETMAKER" not in result.data
    assert not opened(result).getexif()
    assert b"XML:com.adobe.xmp" not in result.data


@pytest.mark.parametrize(("size", "kept"), [(500, True), (100_000, False)])
async def test_colour_profile(size: int, kept: bool) -> None:
    """What the colours mean is kept, if it is of a usual size."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes().ljust(size, b"\0")
    image = opened(await convert(files.saved(files.picture(), "WEBP", icc_profile=profile), LIMIT))
    assert image.info.get("icc_profile") == (profile if kept else None)


CHECKED = {"JPEG": "image/jpeg", "PNG": "image/png", "TIFF": "image/tiff", "BMP": "image/bmp"}


@pytest.fixture(params=["Pillow", "no Pillow"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to install the gateway."""
    if request.param == "no Pillow":
        monkeypatch.setattr(images, "find_spec", lambda name: None)
    return str(request.param)


@pytest.mark.parametrize("form", CHECKED)
async def test_check(form: str, library: str) -> None:
    """A whole image passes; half of one, another format's and a bomb don't, with Pillow and without."""
    whole = files.saved(files.picture(size=(400, 300)).effect_spread(20), form)
    await check(whole, CHECKED[form])
    other = files.photo("GIF")
    for bad in (whole[: len(whole) // 2], whole[:30], b"", other, files.bomb()):
        with pytest.raises(MediaError) as caught:
            await check(bad, CHECKED[form])
        assert caught.value.reason == "unsupported"


@pytest.mark.long
@pytest.mark.parametrize("size", [(1, 1), (100, 5), (5, 100), (9000, 7), (3, 9000)])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
async def test_narrow_images(size: tuple[int, int], mode: str) -> None:
    """A line of pixels is an image too, however it is looked at."""
    for form in ("JPEG", "TIFF") if mode == "CMYK" else CHECKED:
        await check(files.saved(files.picture(mode, size), form), CHECKED[form])


async def test_without_pillow(library: str) -> None:
    """Whether images are converted is known; where they are not, the client is told what to send."""
    assert can_convert() is (library == "Pillow")
    if not can_convert():
        with pytest.raises(MediaError, match="send a JPEG or PNG"):
            await convert(files.photo("WEBP"), LIMIT)


async def test_a_photo_lets_the_loop_run() -> None:
    """A photo of 12 million pixels is decoded and encoded elsewhere: the loop's own thread does next to nothing."""
    data = files.saved(files.picture(size=(4000, 3000)), "JPEG")
    begun, own = time.monotonic(), time.thread_time()
    result = await convert(data, LIMIT)
    turned = time.monotonic()
    await check(result.data, "image/jpeg")
    print(f"converted in {turned - begun:.2f} s, checked in {time.monotonic() - turned:.2f} s")
    assert time.thread_time() - own < 0.05
    assert opened(result).size == (4000, 3000)


@pytest.mark.long
async def test_the_largest_that_is_converted(library: str) -> None:
    """A picture that does not fit becomes smaller; more pixels are told, and still pass as they are."""
    if library == "Pillow":
        half = await convert(files.saved(Image.new("L", (6000, 4000)), "GIF"), LIMIT)
        assert opened(half).size == (3000, 2000)
        with pytest.raises(MediaError, match="48 million pixels") as caught:
            await convert(files.saved(Image.new("RGB", (8000, 6000)), "WEBP", method=0), LIMIT)
        assert caught.value.reason == "too_large"
    await check(files.saved(Image.new("L", (8000, 6000)), "JPEG"), "image/jpeg")
