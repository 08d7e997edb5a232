"""Families of words for what the drawn world shows: of each thing that has a name, what else it is called.

Most are WordNet's. A text in braces stands for a text of that name (see `storybook.sayings`). Each word means one
thing: where a thesaurus has it in two families, it is in none.
"""

from collections.abc import Mapping

Words = Mapping[str, tuple[str, ...]]

LANDMARKS: Words = {
    "house": (
        "house", "house", "cottage", "cabin", "hut", "home", "farmhouse", "bungalow", "chalet", "lodge", "dwelling",
        "little house", "old house",
    ),
    "tower": (
        "tower", "tower", "watchtower", "lighthouse", "turret", "bell tower", "belfry", "castle tower", "beacon",
        "keep", "spire", "stone tower", "old tower",
    ),
    "windmill": (
        "windmill", "windmill", "mill", "old mill", "mill with sails", "mill with its sails", "wind wheel",
        "corn mill", "old windmill",
    ),
    "balloon": (
        "balloon", "balloon", "hot-air balloon", "hot air balloon", "air balloon", "airship", "aerostat",
        "big balloon", "floating balloon",
    ),
}  # fmt: skip
COLOURS: Words = {
    "red": (
        "red", "red", "crimson", "scarlet", "ruby", "vermilion", "cherry red", "bright red", "deep red", "blood red",
        "ruby red", "dark red",
    ),
    "yellow": (
        "yellow", "yellow", "golden", "gold", "lemon", "lemon yellow", "canary yellow", "bright yellow", "amber",
        "deep yellow", "warm yellow",
    ),
    "blue": (
        "blue", "blue", "azure", "navy", "cobalt", "cobalt blue", "sapphire", "navy blue", "deep blue",
        "bright blue", "ultramarine", "dark blue",
    ),
    "white": (
        "white", "white", "ivory", "chalk white", "pure white", "bright white", "milk white", "whitewashed",
        "chalky", "plain white", "pearl white",
    ),
}  # fmt: skip
PLACES: Words = {  # as nouns, with their article
    "sea": (
        "the sea", "the sea", "the seaside", "a beach", "the beach", "the shore", "the seashore", "the coast",
        "the ocean", "a sandy shore", "the waterfront", "a bay", "the strand", "the water", "palm trees and water",
    ),
    "desert": (
        "the desert", "a desert", "the dunes", "sand dunes", "the sands", "a sandy waste", "dry sand",
        "an arid land", "endless sand", "cactus country", "the badlands", "a dry wilderness",
    ),
    "forest": (
        "the forest", "a forest", "the woods", "the wood", "a wood", "woodland", "the woodlands", "the trees",
        "the pines", "a pine wood", "a pine forest", "a grove", "timberland", "tall trees",
    ),
    "city": (
        "the city", "a city", "the town", "a town", "the metropolis", "a big city", "the city streets",
        "the streets", "a cityscape", "an urban scene", "the high buildings", "the skyscrapers",
        "the downtown streets",
    ),
    "mountains": (
        "the mountains", "mountains", "the peaks", "high peaks", "a mountain range", "the alps", "the highlands",
        "the summits", "the sierra", "tall mountains", "alpine country", "the mountain tops",
    ),
}  # fmt: skip
AT: Words = {  # places as where something is
    "sea": (
        "by the sea", "at the seaside", "on the beach", "on a beach", "by the shore", "on the shore", "on the coast",
        "by the ocean", "by the water", "at the water's edge", "along the coast", "beside the sea",
        "on the seashore", "at the waterfront", "near the waves",
    ),
    "desert": (
        "in the desert", "in a desert", "among the dunes", "on the dunes", "on dry sand", "in the sands",
        "amid sand dunes", "out in the desert", "between the cactuses", "in an arid land", "in the sandy waste",
    ),
    "forest": (
        "in the forest", "in a forest", "in the woods", "in a wood", "among the trees", "among the pines",
        "between tall trees", "in woodland", "in a grove", "deep in the forest", "amid the trees", "under the pines",
    ),
    "city": (
        "in the city", "in a city", "in the town", "in town", "in the streets", "among high buildings",
        "downtown here", "in the metropolis", "in the middle of the city", "amid the skyscrapers",
        "in an urban street",
    ),
    "mountains": (
        "in the mountains", "below the mountains", "among the peaks", "in the alps here", "in the highlands",
        "at the foot of the mountains", "under high peaks", "between the summits", "up in the mountains",
        "in front of the mountains",
    ),
}  # fmt: skip
LIGHTS: Words = {  # as nouns
    "dawn": (
        "dawn", "dawn", "daybreak", "sunrise", "sunup", "first light", "the break of day", "morning",
        "early morning", "cockcrow", "the crack of dawn", "morning light", "the early hours",
    ),
    "noon": (
        "noon", "noon", "midday", "high noon", "noonday", "noontide", "daytime", "broad daylight", "full daylight",
        "the middle of the day", "bright day", "daylight", "twelve noon",
    ),
    "sunset": (
        "sunset", "sunset", "sundown", "dusk", "twilight", "evening", "eventide", "the golden hour", "gloaming",
        "evening light", "day's end", "late evening",
    ),
    "night": (
        "night", "night", "nighttime", "midnight", "the dark", "darkness", "the dead of night", "moonlight",
        "starlight", "a moonlit night", "a starry night", "late night", "pitch dark",
    ),
}  # fmt: skip
SKIES: Words = {  # whole sentences about the light
    "dawn": (
        "the sun comes up", "the sun rises", "the sun is rising", "the sun is coming up",
        "the sun peeps over the hills", "the sky pales in the east", "a new day begins", "the day begins",
        "the night is over", "day breaks", "the first rays appear", "light returns to the sky", "the world wakes up",
        "pink morning sky",
    ),
    "noon": (
        "the sun stands high", "the sun is high up", "the sun is at its highest", "the sun is overhead",
        "the sun beats down from above", "full day now", "bright as day", "it is bright day", "the day is bright",
        "strong light from above", "lit by the high sun", "the sun at its zenith", "in full day",
    ),
    "sunset": (
        "the sun goes down", "the sun is going down", "the sun sinks", "the sun is sinking low",
        "the sun dips below", "the sun disappears", "the day ends", "the day is ending", "the sky turns orange",
        "an orange sky", "the last light", "the day fades", "the last rays of the sun", "the sun is low",
    ),
    "night": (
        "the stars come out", "stars appear in the sky", "stars in the sky", "the moon comes out", "the moon rises",
        "the moon is up", "a moon in a black sky", "it turns dark", "everything goes dark", "darkness covers it all",
        "it is dark now", "the sky goes black", "lit by the moon", "under the stars", "under the moon",
    ),
}  # fmt: skip
WEATHERS: Words = {  # as nouns
    "clear": (
        "clear weather", "a clear sky", "clear skies", "fair weather", "fine weather", "good weather", "dry weather",
        "an open sky", "skies without clouds", "a sky without a cloud", "sunny weather", "an unclouded sky",
    ),
    "rain": (
        "rain", "rain", "the rain", "rainfall", "pouring rain", "heavy rain", "light rain", "steady rain",
        "a shower", "rain showers", "a rainstorm", "a cloudburst", "wet weather", "a drizzle", "torrents of rain",
        "a deluge",
    ),
    "snow": (
        "snow", "snow", "the snow", "snowfall", "falling snow", "heavy snow", "thick snow", "a snowstorm",
        "snow showers", "a snow shower", "wintry weather", "whirling snow", "snowflakes", "snow flurries",
        "the blizzard",
    ),
    "fog": (
        "fog", "fog", "the fog", "mist", "a mist", "thick fog", "dense fog", "thick mist", "a fog bank", "a haze",
        "grey fog", "hazy air", "misty air", "murk", "a bank of mist", "the haze",
    ),
}  # fmt: skip
ADJECTIVES: Words = {
    "clear": ("clear", "cloudless", "fair", "dry and clear", "sunny", "unclouded"),
    "rain": ("rainy", "wet", "showery", "rainy and wet", "drizzly"),
    "snow": ("snowy", "wintry", "snowy and cold"),
    "fog": ("foggy", "misty", "hazy", "murky", "foggy and grey"),
}
FALLS: Words = {  # whole sentences about the weather
    "clear": (
        "the clouds part", "the clouds break up", "the clouds move away", "the weather clears",
        "the weather turns fine", "the sky is clear again", "the sky opens and clears", "no clouds any more",
        "it clears up", "it has cleared up", "not one cloud left", "the air is clear",
    ),
    "rain": (
        "it rains", "it is raining", "it starts raining", "it begins to rain", "rain pours down", "rain falls",
        "rain pelts down", "rain lashes the {lm}", "raindrops fall", "it pours", "the heavens open",
        "drops fall fast", "it is drizzling", "wet weather moves in", "rain streams over the {lm}",
        "rain clouds bring their rain",
    ),
    "snow": (
        "it snows", "it is snowing", "it starts snowing", "it begins to snow", "snow falls", "snowflakes fall",
        "snowflakes whirl about", "flakes dance in the air", "snow drifts down", "snow swirls around the {lm}",
        "white flakes fall", "winter comes", "snow is coming down", "flakes fall thickly",
    ),
    "fog": (
        "fog creeps in", "fog closes in", "mist rises", "mist hangs in the air", "haze hangs over it all",
        "a haze settles", "fog swallows the {lm}", "fog covers the scene", "fog drifts in", "the fog thickens",
        "the air turns misty", "mist drifts over the ground", "mist veils the {lm}", "the {lm} fades into mist",
    ),
}  # fmt: skip
