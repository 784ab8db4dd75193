"""SNOMED CT codes and display colours of the structures."""

from __future__ import annotations

from ..structures import Code


def _sct(value: str, meaning: str) -> Code:
    return Code("SCT", value, meaning)


_PAIRED = {
    "lung": ("39607008", "Lung"),
    "clavicula": ("51299004", "Clavicle"),
    "scapula": ("79601000", "Scapula"),
    "humerus": ("85050009", "Humerus"),
}
CODES: dict[str, Code] = {
    "heart": _sct("80891009", "Heart"),
    "aorta": _sct("15825003", "Aorta"),
    "trachea": _sct("44567001", "Trachea"),
    "oesophagus": _sct("32849002", "Esophagus"),
    "liver": _sct("10200004", "Liver"),
    "spleen": _sct("78961009", "Spleen"),
    "stomach": _sct("69695003", "Stomach"),
    "diaphragm": _sct("5798000", "Diaphragm"),
    "sternum": _sct("56873002", "Sternum"),
    "superior_vena_cava": _sct("48345005", "Superior vena cava"),
    "inferior_vena_cava": _sct("64131007", "Inferior vena cava"),
    "pulmonary_artery": _sct("81040000", "Pulmonary artery"),
    "spinal_cord": _sct("2748008", "Spinal cord"),
    "lung_upper_lobe_right": _sct("42400003", "Upper lobe of right lung"),
    "lung_middle_lobe_right": _sct("72481006", "Middle lobe of right lung"),
    "lung_lower_lobe_right": _sct("266005", "Lower lobe of right lung"),
    "lung_upper_lobe_left": _sct("44714003", "Upper lobe of left lung"),
    "lung_lower_lobe_left": _sct("41224006", "Lower lobe of left lung"),
    "heart_atrium_left": _sct("82471001", "Left atrium"),
    "heart_atrium_right": _sct("73829009", "Right atrium"),
    "heart_ventricle_left": _sct("87878005", "Left ventricle"),
    "heart_ventricle_right": _sct("53085002", "Right ventricle"),
    **{
        f"{name}_{side}": _sct(value, meaning)
        for name, (value, meaning) in _PAIRED.items()
        for side in ("left", "right")
    },
}
"""By structure name; a code that names an organ without its side is given to both sides."""

COLORS: dict[str, tuple[int, int, int]] = {
    "lesion": (255, 64, 64),
    "effusion": (64, 128, 255),
    "collapse": (255, 128, 64),
    "vessels": (216, 101, 79),
    "bronchus": (182, 228, 255),
    "trachea": (182, 228, 255),
    "upper_lobe": (172, 138, 115),
    "middle_lobe": (202, 164, 140),
    "lower_lobe": (224, 186, 162),
    "lung": (197, 165, 145),
    "heart": (206, 110, 84),
    "vena": (0, 151, 206),
    "vein": (0, 151, 206),
    "pulmonary_artery": (0, 122, 171),
    "aorta": (224, 97, 76),
    "artery": (216, 101, 79),
    "trunk": (216, 101, 79),
    "vertebrae": (226, 202, 134),
    "rib_": (253, 232, 158),
    "cartilage": (111, 184, 210),
    "sternum": (244, 217, 151),
    "clavic": (241, 214, 145),
    "scapula": (212, 188, 102),
    "humerus": (205, 179, 108),
    "liver": (221, 130, 101),
    "spleen": (157, 108, 162),
    "stomach": (216, 132, 105),
    "diaphragm": (192, 104, 88),
    "cord": (244, 214, 49),
    "oesophagus": (211, 171, 143),
    "fat": (230, 220, 70),
    "muscle": (192, 104, 88),
    "breast": (230, 180, 160),
    "skin": (177, 122, 101),
    "body": (200, 200, 200),
}
"""By the first word that a structure's name holds."""
