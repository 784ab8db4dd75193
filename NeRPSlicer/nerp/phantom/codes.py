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
    "lesion": (255, 0, 220),
    "effusion": (130, 100, 255),
    "collapse": (255, 128, 0),
    "vessels": (255, 100, 130),
    "bronchus": (130, 255, 245),
    "trachea": (0, 255, 215),
    "upper_lobe_right": (0, 235, 190),
    "middle_lobe_right": (150, 255, 110),
    "lower_lobe_right": (0, 185, 255),
    "upper_lobe_left": (90, 140, 255),
    "lower_lobe_left": (165, 110, 255),
    "lung_right": (0, 215, 255),
    "lung_left": (60, 120, 255),
    "atrium_right": (165, 90, 255),
    "atrium_left": (255, 130, 90),
    "ventricle_right": (225, 60, 255),
    "ventricle_left": (255, 50, 130),
    "heart": (255, 70, 70),
    "vena": (90, 80, 255),
    "vein": (90, 80, 255),
    "pulmonary_artery": (255, 90, 200),
    "aorta": (255, 165, 0),
    "artery": (255, 110, 40),
    "trunk": (255, 110, 40),
    "vertebrae": (255, 225, 50),
    "rib_": (255, 240, 120),
    "cartilage": (120, 255, 205),
    "sternum": (255, 195, 60),
    "clavic": (175, 255, 60),
    "scapula": (60, 230, 90),
    "humerus": (0, 205, 130),
    "liver": (235, 115, 45),
    "spleen": (195, 80, 255),
    "stomach": (255, 115, 190),
    "diaphragm": (90, 255, 140),
    "cord": (255, 255, 0),
    "oesophagus": (200, 255, 80),
    "fat": (240, 230, 60),
    "muscle": (225, 85, 65),
    "breast": (255, 160, 190),
    "skin": (240, 160, 110),
    "body": (150, 215, 200),
}
"""By the first word that a structure's name holds; saturated, so that an outline shows on a grey picture."""
