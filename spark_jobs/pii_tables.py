"""What standards bodies say of account numbers, telephone numbers and cards, as tables."""

# Characters of an IBAN by country: the IBAN registry of SWIFT, the agency for ISO 13616.
COUNTRIES_BY_IBAN_LENGTH = {
    15: "NO",
    16: "BE",
    18: "DK FI FK FO GL NL SD",
    19: "MK SI",
    20: "AT BA EE KZ LT LU MN XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ OM SO TL",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT ST",
    26: "IS TR",
    27: "BI DJ FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
    29: "BR EG PS QA UA",
    30: "JO KW MU YE",
    31: "MT SC",
    32: "LC",
    33: "RU",
}

# Country codes of telephone numbers by ITU-T E.164. North America's is not here: its numbers have a form of their own.
COUNTRY_CODES = """
    7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86
    90 91 92 93 94 95 98 211 212 213 216 218 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234 235 236 237
    238 239 240 241 242 243 244 245 246 247 248 249 250 251 252 253 254 255 256 257 258 260 261 262 263 264 265 266
    267 268 269 290 291 297 298 299 350 351 352 353 354 355 356 357 358 359 370 371 372 373 374 375 376 377 378 380
    381 382 383 385 386 387 389 420 421 423 500 501 502 503 504 505 506 507 508 509 590 591 592 593 594 595 596 597
    598 599 670 672 673 674 675 676 677 678 679 680 681 682 683 685 686 687 688 689 690 691 692 800 808 850 852 853
    855 856 870 878 880 881 882 883 886 888 960 961 962 963 964 965 966 967 968 970 971 972 973 974 975 976 977 979
    992 993 994 995 996 998
"""

# How card numbers begin, and how many digits follow: ISO/IEC 7812 and the networks' own ranges.
CARD_NUMBERS = (
    ("4", "12"),  # Visa, of 13, 16 or 19 digits
    ("4", "15"),
    ("4", "18"),
    ("5[1-5]", "14"),  # Mastercard
    ("222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720", "12"),
    ("3[47]", "13"),  # American Express
    ("6011|64[4-9][0-9]|65[0-9]{2}|62[0-9]{2}", "12,15"),  # Discover, UnionPay
    ("30[0-5]|3[689][0-9]", "11,16"),  # Diners Club
    ("35", "14,17"),  # JCB
    ("2131|1800", "11"),
    ("50|5[6-9]|6[0-9]", "10,17"),  # Maestro
)
