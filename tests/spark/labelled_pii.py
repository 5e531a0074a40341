"""Texts that hold personal data and texts that only look like it, each with what it holds; made up from a seed.

The set was written before the patterns that it judges. What a text holds is known from how it was made, never from
its look. Persons, numbers and addresses come from Faker; the look-alikes are made here.
"""

import random
import string
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from faker import Faker

LOCALES = (
    "en_US", "en_GB", "en_AU", "de_DE", "de_AT", "de_CH", "fr_FR", "it_IT", "es_ES", "nl_NL", "pt_BR", "pl_PL",
    "sv_SE", "da_DK", "no_NO", "fi_FI", "tr_TR", "hi_IN", "ja_JP",
)  # fmt: skip
EACH = 12  # texts of each locale and kind
SENTENCES = (
    "Please contact {} before Friday.",
    "customer said: {}",
    "({})",
    '"{}"',
    "{}; second line follows",
    "id=42 value={} status=ok",
    '{{"note": "{}", "n": 3}}',
    "old: {}, new: none.",
    "see {}\nand the invoice",
    "<{}>",
)


@dataclass(frozen=True)
class Labelled:
    """A text, the kinds of personal data in it, and what it is."""

    text: str
    kinds: frozenset[str]
    what: str


def labelled_texts(seed):
    """Some thousand texts, the same for the same seed."""
    chance = random.Random(seed)
    texts = []
    for place, locale in enumerate(LOCALES):
        faker = Faker(locale)
        faker.seed_instance(seed * 1000 + place)
        for _ in range(EACH):
            texts += [*personal(faker, chance), *harmless(faker, chance), *look_alikes(faker, chance)]
    return texts


def personal(faker, chance):
    """One text of every kind, and one that holds two."""
    made = {
        "email": email(faker, chance),
        "card": card(faker, chance),
        "iban": iban(faker, chance),
        "us-ssn": ssn(faker, chance),
        "phone": phone(faker, chance),
        "ip": ip(faker, chance),
    }
    for kind, value in made.items():
        yield Labelled(placed(value, chance), frozenset([kind]), kind)
    one, two = chance.sample(sorted(made), 2)
    yield Labelled(f"{faker.name()}, {made[one]} / {made[two]}", frozenset([one, two]), "two kinds")


def placed(value, chance):
    """A value alone, as in a column of its own, or within a sentence."""
    return value if chance.random() < 0.6 else chance.choice(SENTENCES).format(value)


def email(faker, chance):
    address = chance.choice([faker.email, faker.company_email, faker.ascii_email, faker.ascii_free_email])()
    local, domain = address.split("@")
    forms = [
        address,
        address,
        address.upper(),
        f"{local}+{faker.ascii_free_email()[:4]}@{domain}",
        f"{local}@mail.{domain}",
        f"mailto:{address}",
        f"{faker.name()} <{address}>",
        f"{local}_{chance.randint(1, 99)}@{domain.rsplit('.', 1)[0]}.co.uk",
    ]
    return chance.choice(forms)


def card(faker, chance):
    digits = faker.credit_card_number()
    if len(digits) in (14, 15):
        groups = [digits[:4], digits[4:10], digits[10:]]
    else:
        groups = [digits[start : start + 4] for start in range(0, len(digits), 4)]
    return chance.choice([digits, digits, " ".join(groups), "-".join(groups)])


def iban(faker, chance):
    number = faker.iban()
    grouped = " ".join(number[start : start + 4] for start in range(0, len(number), 4))
    return chance.choice([number, number, grouped, number.lower(), f"IBAN {grouped}"])


def ssn(faker, chance):
    american = Faker("en_US")
    american.seed_instance(chance.randrange(10**9))
    number = american.ssn()
    return chance.choice([number, number, number, number.replace("-", " "), f"SSN {number}", f"SSN:{number}"])


# Faker's numbers with the country's code, as people of each country write them.
def phone(faker, chance):
    for _ in range(200):
        number = faker.phone_number()
        if number.startswith(("+", "(+")):
            break
    else:  # in some countries Faker makes national numbers only
        number = "+" + chance.choice(["81 90-{:04d}-{:04d}", "81{:04d}{:05d}0"]).format(
            chance.randint(1000, 9999), chance.randint(1000, 9999)
        )
    bare = "+" + "".join(each for each in number.replace("(0)", "").split("x")[0] if each.isdigit())
    forms = [number, number, number, bare, f"tel:{bare}", f"Tel. {number}", f"00{number.replace('(+', '+(')[1:]}"]
    return chance.choice(forms)


def ip(faker, chance):
    four, six = faker.ipv4(), faker.ipv6()
    groups = six.split(":")
    short = f"{groups[0]}:{groups[1]}::{groups[7]}"
    forms = [
        four,
        four,
        faker.ipv4_private(),
        faker.ipv4(network=True),
        f"{four}:{chance.randint(1, 65535)}",
        f"http://{four}/index.html",
        f'{four} - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200',
        six,
        six.upper(),
        short,
        f"fe80::{groups[3]}:{groups[4]}%eth0",
        f"[{six}]:443",
        faker.ipv6(network=True),
        f"::ffff:{four}",
    ]
    return chance.choice(forms)


def harmless(faker, chance):
    """What people write into tables otherwise."""
    makers = [
        faker.name, faker.address, faker.city, faker.company, faker.job, faker.sentence, faker.date, faker.url,
        faker.color_name, faker.user_name, faker.word, faker.postcode, faker.file_path, faker.mime_type,
        faker.user_agent, faker.domain_name,
    ]  # fmt: skip
    for maker in chance.sample(makers, 5):
        text = str(maker())
        if not (maker == faker.user_agent and has_four_part_version(text)):
            yield Labelled(text, frozenset(), maker.__name__)


def has_four_part_version(text):
    """Whether a browser names itself with a version such as 1.9.3.20, which nobody can tell from an address."""
    words = text.replace("/", " ").replace(";", " ").replace(")", " ").split()
    return any(word.count(".") == 3 and word.replace(".", "").isdigit() for word in words)


def look_alikes(faker, chance):
    """Eight of all look-alikes, at times within a sentence."""
    for maker in chance.sample(LOOK_ALIKES, 8):
        yield Labelled(placed(maker(faker, chance), chance), frozenset(), maker.__name__)


def digits(chance, count):
    return "".join(chance.choice(string.digits) for _ in range(count))


def fails_luhn(text):
    numbers = [int(each) for each in reversed(text)]
    doubled = [sum(divmod(2 * each, 10)) if place % 2 else each for place, each in enumerate(numbers)]
    return sum(doubled) % 10 != 0


def order_number(faker, chance):
    """16 digits that begin as a card does and fail its check."""
    while True:
        number = chance.choice("456") + digits(chance, 15)
        if fails_luhn(number):
            return chance.choice([number, "-".join(number[start : start + 4] for start in range(0, 16, 4))])


def epoch_millis(faker, chance):
    return str(chance.randrange(1_300_000_000_000, 1_800_000_000_000))


def epoch_micros(faker, chance):
    return str(chance.randrange(1_300_000_000_000_000, 1_800_000_000_000_000))


def isbn(faker, chance):
    return chance.choice([faker.isbn13(), faker.isbn10(), faker.isbn13().replace("-", "")])


def ean(faker, chance):
    return faker.ean13()


def tracking_number(faker, chance):
    ups = "1Z" + "".join(chance.choice(string.ascii_uppercase + string.digits) for _ in range(6)) + digits(chance, 10)
    fedex = "9" + digits(chance, 11)
    usps = "94" + digits(chance, 20)
    return chance.choice([ups, fedex, usps, " ".join(usps[start : start + 4] for start in range(0, 22, 4))])


def uuid_text(faker, chance):
    made = uuid.UUID(int=chance.getrandbits(128), version=4)
    return chance.choice([str(made), made.hex, str(made).upper()])


def hash_text(faker, chance):
    return f"{chance.getrandbits(256):064x}"


def timestamp(faker, chance):
    moment = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(10**9))
    forms = ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M", "%Y%m%d%H%M%S", "%Y-%m-%dT%H:%M:%S+00:00"]
    return moment.strftime(chance.choice([*forms, "%d.%m.%Y", "%d-%m-%Y", "%H:%M:%S", "GMT+0100 %H:%M"]))


def version(faker, chance):
    parts = [str(chance.randint(0, 40)) for _ in range(chance.choice([2, 3, 5, 6]))]
    windows = f"10.0.{chance.randint(10000, 26000)}.{chance.randint(1, 4000)}"
    return chance.choice([".".join(parts), "v" + ".".join(parts), windows])


def object_identifier(faker, chance):
    return "1.3.6.1.4.1." + ".".join(str(chance.randint(1, 400)) for _ in range(3))


def not_an_ip(faker, chance):
    octets = [chance.randint(0, 255) for _ in range(4)]
    octets[chance.randrange(4)] = chance.randint(256, 999)
    return ".".join(map(str, octets))


def with_colons(faker, chance):
    mac = ":".join(f"{chance.randrange(256):02X}" for _ in range(6))
    clock = f"{chance.randint(0, 23):02d}:{chance.randint(0, 59):02d}"
    return chance.choice([mac, clock, "std::string", "a::b", "1:2:3", "Foo::Bar::baz", f"{clock}:07:12", "key::value"])


def with_at(faker, chance):
    name = faker.user_name()
    return chance.choice([
        f"@{name}", f"{name}@", f"{name} @ home", "@app.route", f"react@{chance.randint(15, 19)}.2.0",
        f"nginx@sha256:{chance.getrandbits(64):x}", f"{name}@localhost", f"meet {name}@7pm", f"user@{name}",
        f"3 pcs @ {chance.randint(1, 99)}.50 EUR", "a@b", f"{name}@@example..com",
    ])  # fmt: skip


def bad_iban(faker, chance):
    """An identifier with an IBAN's form and other check digits."""
    number = faker.iban()
    wrong = chance.choice([each for each in range(2, 99) if f"{each:02d}" != number[2:4]])
    number = f"{number[:2]}{wrong:02d}{number[4:]}"
    return chance.choice([number, " ".join(number[start : start + 4] for start in range(0, len(number), 4))])


def vat_or_part_number(faker, chance):
    return chance.choice([
        f"DE{digits(chance, 9)}", f"ATU{digits(chance, 8)}", f"GB{digits(chance, 9)}", f"AB12-{digits(chance, 6)}",
        f"PN{digits(chance, 2)}{digits(chance, 12)}X", f"SKU-{digits(chance, 3)}-{digits(chance, 4)}",
    ])  # fmt: skip


def bad_ssn(faker, chance):
    """The form of a Social Security number with an area, group or serial that is never given out."""
    area = chance.choice(["000", "666", str(chance.randint(900, 999))])
    good = f"{chance.randint(100, 665)}"
    return chance.choice([
        f"{area}-{chance.randint(10, 99)}-{digits(chance, 4)}", f"{good}-00-{digits(chance, 4)}",
        f"{good}-{chance.randint(10, 99)}-0000", f"{area} {chance.randint(10, 99)} {digits(chance, 4)}",
    ])  # fmt: skip


def near_ssn(faker, chance):
    return chance.choice([
        f"{digits(chance, 2)}-{digits(chance, 7)}", f"{digits(chance, 5)}-{digits(chance, 4)}", digits(chance, 9),
        f"{digits(chance, 4)}-{digits(chance, 2)}-{digits(chance, 4)}", f"1{digits(chance, 3)}-{digits(chance, 2)}-"
        f"{digits(chance, 4)}5", f"{digits(chance, 3)}-{digits(chance, 3)}-{digits(chance, 4)}",
        f"A{digits(chance, 3)}-{digits(chance, 2)}-{digits(chance, 4)}B",
    ])  # fmt: skip


def local_phone(faker, chance):
    for _ in range(50):
        number = faker.phone_number()
        if not number.startswith(("+", "(+", "001")):
            return number
    return f"0{digits(chance, 9)}"


def with_plus(faker, chance):
    return chance.choice([
        f"+{chance.randint(1, 99)}.{digits(chance, 2)}%", f"+{digits(chance, 3)}", "C++11", "1+1=2", "A+B", "+1",
        f"UTC+{chance.randint(1, 12):02d}:00", f"{digits(chance, 3)}+{digits(chance, 4)}", f"+0{digits(chance, 9)}",
        f"1e+{digits(chance, 2)}", f"{digits(chance, 8)}+{digits(chance, 10)}",
    ])  # fmt: skip


def amount(faker, chance):
    return chance.choice([
        f"{chance.randint(1, 999)},{digits(chance, 3)},{digits(chance, 3)}.{digits(chance, 2)}",
        f"-{chance.random() * 180:.7f}", f"{chance.randint(1, 999)}.{digits(chance, 3)}.{digits(chance, 3)},00",
        f"{chance.random():.16f}", f"{chance.randint(1, 10**6)}",
    ])  # fmt: skip


LOOK_ALIKES = (
    order_number, epoch_millis, epoch_micros, isbn, ean, tracking_number, uuid_text, hash_text, timestamp, version,
    object_identifier, not_an_ip, with_colons, with_at, bad_iban, vat_or_part_number, bad_ssn, near_ssn, local_phone,
    with_plus, amount,
)  # fmt: skip
