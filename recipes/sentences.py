"""Write the bundled sentences from a small grammar: `python -m recipes.sentences` rewrites assets/text/sentences.txt."""

import random
import re
from pathlib import Path

SEED = 0
COUNT = 1600
PATH = Path(__file__).resolve().parents[1] / "assets" / "text" / "sentences.txt"

# A word in brackets is written by one of its lines; "a|b" offers alternatives for words.
GRAMMAR = {
    "sentence": """
        [someone] [ate] the [fruit] and [fruit] salad
        the [fruit] and [fruit] salad was [taste]
        [someone] [bought] a pair of [pairs]
        [someone] [bought] the [fruit] and the [fruit] at the market
        a pair of [pairs] lay under the [furniture]
        the pair of [pairs] on the [furniture] was [colour]
        [someone] cut the [fruit] and gave half of it to [other]
        the [fruit] pie was [taste], but the [fruit] cake was not
        [someone] made [fruit] and [fruit] juice for breakfast
        the [animal] [slept] [where]
        the [animals] [played] [where]
        the [animal] chased the [small] [where]
        the [animal] was [feeling], and so was the [small]
        the [animals] were [feeling] because it was [weather]
        the [animals] were [feeling]
        the [animal] was [feeling]
        the [animals] were [feeling], but the [animal] was not
        the [fruit] and the [fruit] are [taste]
        [someone] gave the [animals] a [fruit] and a [fruit]
        the [fruit] and [fruit] salad is for [other]
        it was [weather], so [someone] [stayed]
        if it is [weather] tomorrow, we will [plan]
        [someone] [went] to the [place] with [other]
        [someone] [went] to the [place] because the [shop] was closed
        [someone] opened the [container] and found a [colour] [thing]
        there was a [colour] [thing] on the [furniture]
        there were [count] [things] in the [container]
        [someone] counted [count] [things] and [count] [pairs]
        [someone] [said] that the [animal] was [feeling]
        [someone] [said] that it would be [weather]
        the [worker] [helped] the [worker] in the [place]
        the [worker] read a [adjective] book about [topic]
        the [nature] [worker] wrote a letter to [other]
        [someone] learned [topic] at school and liked it
        [someone] wants to learn [topic] before the [season]
        in [season] the [trees] in the garden [grow]
        every [day] [someone] walks to the [place]
        on [weekday] the [worker] sang a [adjective] song
        the train to the [town] was late again
        the road to the [town] goes over a [adjective] hill
        [someone] took the [vehicle] from the [place] to the [town]
        where is the [colour] [thing] that [someone] lost?
        have you seen the [nature] [worker] from the [town]?
        what a [adjective] [thing]!
        do not forget the [things] on the [furniture]
        please close the [opened] before the [animal] comes in
    """,
    "someone": "Anna|Tom|Maria|Omar|Lin|my sister|my brother|the teacher|our neighbour|the old man|the young woman|she|he",
    "other": "Anna|Tom|Maria|Omar|Lin|her sister|his brother|the teacher|our neighbour|the old man|the children|her friends",
    "ate": "ate|liked|made|tasted|shared|finished|loved|ordered",
    "bought": "bought|found|sold|wore out|carried|needed|washed",
    "fruit": "apple|pear|plum|peach|cherry|orange|lemon|melon|mango|fig",
    "taste": "sweet|sour|fresh|cold|delicious|ripe|gone|ready",
    "pairs": "shoes|gloves|socks|boots|glasses|scissors|trousers|earrings|skates|slippers",
    "furniture": "table|bed|chair|shelf|desk|sofa|bench|stove",
    "colour": "red|blue|green|yellow|white|black|brown|purple|grey",
    "animal": "cat|dog|horse|cow|fox|goat|rabbit|bear|owl|pony",
    "animals": "cats|dogs|horses|cows|foxes|goats|rabbits|bears|owls|ponies",
    "small": "mouse|bird|duck|hen|frog|squirrel|lizard|butterfly",
    "slept": "slept|waited|sat|stood still|drank water|looked for food|hid",
    "played": "played|slept|ran|rested|fought|waited|danced|looked for food",
    "where": """
        in the garden
        under the bridge
        behind the house
        near the river
        on the roof
        in the forest
        by the fire
        between the trees
        in front of the [shop]
        all day
    """,
    "feeling": "hungry|tired|happy|full|afraid|angry|thirsty|lonely|proud|sleepy|ill",
    "weather": "raining|snowing|cold|warm|sunny|windy|foggy|hot|dark|stormy",
    "stayed": "stayed at home|took a coat|closed the window|went for a walk|made a fire|cooked soup|slept until noon",
    "plan": "go to the [place]|paint the [furniture]|bake a [fruit] cake|visit [other]|swim in the river|stay in bed",
    "went": "went|walked|ran|drove|came back|cycled",
    "place": "market|school|station|library|museum|harbour|theatre|hospital|garden|park|farm|office",
    "shop": "bakery|bookshop|café|bank|cinema|pharmacy",
    "opened": "door|window|gate|[container]",
    "container": "box|drawer|cupboard|bag|basket|suitcase",
    "thing": "key|lamp|book|cup|hat|coat|ball|clock|candle|umbrella|letter|violin",
    "things": "keys|lamps|books|cups|hats|coats|balls|clocks|candles|umbrellas|letters|coins",
    "count": "two|three|four|five|six|seven|eight|nine|ten|twelve|twenty",
    "said": "said|thought|believed|wrote|knew|hoped|dreamed",
    "worker": "doctor|baker|farmer|painter|singer|driver|nurse|gardener|captain|writer|student|judge|cook|engineer",
    "helped": "helped|met|thanked|called|visited|painted|surprised|paid",
    "adjective": "long|short|strange|famous|beautiful|simple|sad|funny|new|very old",
    "nature": "quiet|clever|gentle|brave|kind|tall|shy|famous|young|very old",
    "topic": "music|history|chess|physics|the moon|the sea|birds|cooking|painting|French|Greek|stars|whales|volcanoes",
    "season": "spring|summer|autumn|winter",
    "trees": "trees|roses|tomatoes|apples|pears|weeds|tulips|beans",
    "grow": "grow|bloom|grow slowly|wither|turn red|need water|smell sweet",
    "day": "day|morning|evening|[weekday]",
    "weekday": "Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday",
    "town": "village|city|capital|coast|island|mountains|border|lake",
    "vehicle": "bus|train|boat|tram|bicycle|ferry",
}


def lines_of(name: str) -> list[str]:
    """The ways to write a word in brackets."""
    text = GRAMMAR[name]
    return [line.strip() for line in (text.splitlines() if "\n" in text else text.split("|")) if line.strip()]


def written(template: str, numbers: random.Random) -> str:
    """A template with its brackets filled from the inside out, the same noun never twice in a row of choices."""
    used: set[str] = set()
    while found := re.search(r"\[(\w+)\]", template):
        choices = [line for line in lines_of(found[1]) if line not in used]
        used.add(chosen := numbers.choice(choices))
        template = template[: found.start()] + chosen + template[found.end() :]
    template = re.sub(r"\ba (?=[aeiou])", "an ", template)
    return template[0].upper() + template[1:] + ("" if template[-1] in "?!" else ".")


def sentences() -> list[str]:
    """All sentences, each once, in the order of their making."""
    numbers = random.Random(SEED)
    templates = lines_of("sentence")
    made: dict[str, None] = {}
    while len(made) < COUNT:
        made[written(numbers.choice(templates), numbers)] = None
    return list(made)


if __name__ == "__main__":
    PATH.write_text("\n".join(sentences()) + "\n", encoding="utf-8")
