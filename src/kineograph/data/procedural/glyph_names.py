"""Which emojis are used: those that can be told apart when small, have one plain name and no text.

Left out are hands and people (whose look depends on the skin), flags, clocks, arrows, signs,
pictures of whole scenes, and all but a few of the faces, which differ too little.
"""

_ANIMALS = """
rat, ox, water buffalo, cow, tiger, leopard, rabbit, cat, dragon, crocodile, whale, snail, snake,
horse, ram, goat, sheep, monkey, rooster, chicken, dog, pig, boar, elephant, octopus, spiral shell,
bug, ant, honeybee, lady beetle, fish, tropical fish, blowfish, turtle, hatching chick, bird,
penguin, koala, poodle, dromedary camel, dolphin, mouse face, cow face, tiger face, rabbit face,
cat face, dragon face, horse face, monkey face, dog face, pig face, frog face, hamster face,
wolf face, bear face, panda face, chipmunk, crab, lion face, scorpion, turkey, unicorn face, eagle,
duck, bat, shark, owl, fox face, butterfly, deer, gorilla, lizard, rhinoceros, shrimp, squid,
giraffe face, zebra face, hedgehog, sauropod, t-rex, kangaroo, llama, peacock, hippopotamus, parrot,
raccoon, lobster, mosquito, badger, swan, sloth, otter, orangutan, skunk, flamingo, spider
"""

_PLANTS = """
seedling, evergreen tree, deciduous tree, palm tree, cactus, tulip, cherry blossom, rose, hibiscus,
sunflower, blossom, herb, four leaf clover, maple leaf, fallen leaf, mushroom, christmas tree,
bouquet
"""

_FOOD = """
hot dog, taco, burrito, chestnut, hot pepper, ear of maize, tomato, aubergine, melon,
watermelon, tangerine, lemon, banana, pineapple, red apple, green apple, pear, peach, strawberry,
hamburger, slice of pizza, meat on bone, poultry leg, rice cracker, rice ball, steaming bowl,
bread, french fries, roasted sweet potato, dango, fried shrimp, soft ice cream, shaved ice,
doughnut, cookie, chocolate bar, candy, lollipop, custard, honey pot, shortcake, bento box,
pot of food, wine glass, cocktail glass, tropical drink, beer mug, baby bottle, popcorn,
birthday cake, croissant, avocado, cucumber, potato, carrot, baguette bread, egg, glass of milk,
kiwifruit, fortune cookie, coconut, broccoli, pie, pretzel, sandwich, mango, bagel, cheese wedge,
cupcake, garlic, onion, waffle, butter, ice cube
"""

_FACES = """
grinning face, smiling face with sunglasses, smiling face with heart-shaped eyes, crying face,
pouting face, sleeping face, face with cowboy hat, nerd face, ghost, skull, extraterrestrial alien,
alien monster, robot face, clown face, jack-o-lantern, full moon with face, sun with face
"""

_VEHICLES = """
rocket, helicopter, steam locomotive, tram, bus, ambulance, fire engine, police car, taxi,
automobile, recreational vehicle, delivery truck, articulated lorry, tractor, bicycle, speedboat,
scooter, motor scooter, racing car, racing motorcycle, canoe, flying saucer, auto rickshaw,
airplane, sailboat, satellite
"""

_THINGS = """
closed umbrella, volcano, rainbow, crescent moon, glowing star, balloon, wrapped present,
party popper, confetti ball, ribbon, graduation cap, school satchel, microphone, headphone,
artist palette, top hat, circus tent, game die, billiards, musical note, saxophone, guitar, trumpet,
violin, ferris wheel, roller coaster, basketball and hoop, american football, volleyball,
sports medal, trophy, tennis racquet and ball, house building, factory, hospital,
european castle, japanese castle, izakaya lantern, amphora, bow and arrow, crown, womans hat,
necktie, t-shirt, jeans, dress, handbag, mans shoe, athletic shoe, high-heeled shoe, womans boots,
lipstick, syringe, pill, ring, gem stone, blue heart, green heart, yellow heart, purple heart,
broken heart, heart with arrow, electric light bulb, bomb, money bag, briefcase, floppy disk,
optical disc, calendar, clipboard, pushpin, triangular ruler, green book, blue book, orange book,
open book, scroll, telephone receiver, package, postbox, television, radio, camera, video camera,
movie camera, battery, electric plug, key, lock, bell, fire, electric torch, wrench, hammer,
nut and bolt, microscope, telescope, crystal ball, candle, mantelpiece clock, joystick,
water wave, cyclone, droplet, lower left crayon, lower left paintbrush, dagger knife,
toilet, bathtub, shopping trolley, door, boxing glove, curling stone, flying disc, softball,
hiking boot, bone, tooth, brain, scarf, coat, billed cap, compass, abacus, fire extinguisher,
toolbox, brick, magnet, luggage, test tube, ball of yarn, spool of thread, teddy bear, broom,
basket, sponge, jigsaw puzzle piece, firecracker, nazar amulet, yo-yo, kite, parachute, chair, axe,
banjo, drum with drumsticks, ringed planet, salt shaker, slot machine
"""

NAMES: tuple[str, ...] = tuple(
    name.strip()
    for group in (_ANIMALS, _PLANTS, _FOOD, _FACES, _VEHICLES, _THINGS)
    for name in group.split(",")
)
"""The Unicode names, in an order that is never changed: a seed picks by place."""

PLAINER = {
    "lady beetle": "ladybird",
    "dromedary camel": "camel",
    "smiling face with sunglasses": "face with sunglasses",
    "smiling face with heart shaped eyes": "face with heart eyes",
    "pouting face": "angry face",
    "extraterrestrial alien": "alien",
    "alien monster": "pixel monster",
    "jack o lantern": "pumpkin",
    "full moon with face": "moon with a face",
    "sun with face": "sun with a face",
    "ear of maize": "corn cob",
    "soft ice cream": "ice cream",
    "roasted sweet potato": "sweet potato",
    "poultry leg": "chicken leg",
    "baguette bread": "baguette",
    "billiards": "billiard ball",
    "basketball and hoop": "basketball",
    "tennis racquet and ball": "tennis racquet",
    "house building": "house",
    "european castle": "castle",
    "izakaya lantern": "red lantern",
    "womans hat": "straw hat",
    "mans shoe": "brown shoe",
    "womans boots": "boot",
    "t shirt": "shirt",
    "electric light bulb": "light bulb",
    "electric torch": "torch",
    "electric plug": "plug",
    "lower left crayon": "crayon",
    "lower left paintbrush": "paintbrush",
    "dagger knife": "dagger",
    "shopping trolley": "shopping cart",
    "drum with drumsticks": "drum",
    "mantelpiece clock": "clock",
    "wrapped present": "present",
    "slice of pizza": "pizza slice",
    "glowing star": "shining star",
    "sauropod": "dinosaur",
    "t rex": "tyrannosaurus",
    "nut and bolt": "bolt",
    "triangular ruler": "set square",
    "deciduous tree": "round tree",
    "evergreen tree": "fir tree",
    "french fries": "box of fries",
    "jeans": "pair of jeans",
    "headphone": "headset",
    "billed cap": "cap",
    "jigsaw puzzle piece": "puzzle piece",
    "automobile": "red car",
    "kiwifruit": "kiwi",
    "gem stone": "gem",
    "heart with arrow": "heart with an arrow",
    "robot face": "robot",
    "flying saucer": "ufo",
    "motor scooter": "moped",
    "scooter": "kick scooter",
    "tropical drink": "cocktail",
    "cocktail glass": "martini",
    "video camera": "camcorder",
    "movie camera": "film camera",
    "mouse face": "mouse",
    "articulated lorry": "lorry",
    "steam locomotive": "locomotive",
    "four leaf clover": "clover",
    "bento box": "lunch box",
    "ring": "diamond ring",
    "camera": "photo camera",
    "recreational vehicle": "blue car",
    "brick": "brick wall",
    "bug": "caterpillar",
    "chicken": "hen",
    "bread": "loaf of bread",
    "popcorn": "box of popcorn",
    "garlic": "bulb of garlic",
    "butter": "piece of butter",
    "shaved ice": "cup of ice",
    "custard": "pudding",
    "luggage": "suitcase",
    "fire": "flame",
}
"""What is said instead of a name (in lower case, without hyphens) that is odd, long, uncountable,
or the name of something else here: a shape or the camera."""
