package inflect

import (
	"strings"
)

// Laravel forms plurals with Doctrine's inflector, whose rules for English differ from Active Support's.

// unchangedByLaravel are words that have one form.
var unchangedByLaravel = setOf("advice aircraft art audio baggage bison bream buffalo butter carp cattle chassis clothes clothing coal cod " +
	"compensation coreopsis corps " +
	"cotton data debris deer diabetes education elk emoji equipment evidence feedback fish flour food furniture gallows gold headquarters herpes " +
	"homework information innings jeans jedi kin knowledge leather love luggage mackerel management media metadata money moose mumps music news " +
	"nexus nutrition offspring oil pants patience people pincers plankton pliers pokemon police polish proceedings progress rabies rain recommended " +
	"related research rhinoceros rice salmon sand scissors series shears sheep silk sms soap spam species staff sugar swine talent traffic travel " +
	"trivia trousers trout tuna us weather wheat wood wool")

// pluralsOfLaravel are words whose plural no rule forms.
var pluralsOfLaravel = map[string]string{
	"atlas": "atlases", "axe": "axes", "beef": "beefs", "cafe": "cafes", "canvas": "canvases", "corpus": "corpuses", "curriculum": "curricula",
	"domino": "dominoes", "echo": "echoes", "gas": "gases", "genus": "genera", "hoof": "hoofs", "human": "humans", "iris": "irises",
	"leaf": "leaves", "lens": "lenses", "loaf": "loaves", "memorandum": "memoranda", "motto": "mottoes", "octopus": "octopuses", "passerby": "passersby",
	"plateau": "plateaux", "safe": "safes", "thief": "thieves", "tooth": "teeth", "tornado": "tornadoes", "trilby": "trilbys", "turf": "turfs",
	"larva": "larvae", "graffito": "graffiti", "chateau": "chateaux", "niveau": "niveaux", "opus": "opuses", "syllabus": "syllabi",
}

// rulesOfLaravel are the rules, the one that is tried first at the beginning.
var rulesOfLaravel = []inflection{
	newInflection(`(s)tatus$`, "${1}tatuses"), newInflection(`(quiz)$`, "${1}zes"), newInflection(`^(ox)$`, "${1}en"), newInflection(`^(g)oose$`, "${1}eese"),
	newInflection(`([ml])ouse$`, "${1}ice"),
	newInflection(`(matr|vert|ind)(?:ix|ex)$`, "${1}ices"), newInflection(`(x|ch|ss|sh)$`, "${1}es"), newInflection(`([^aeiouy]|qu)y$`, "${1}ies"),
	newInflection(`(hive|gulf)$`, "${1}s"), newInflection(`(?:([^f])fe|([lr])f)$`, "${1}${2}ves"), newInflection(`sis$`, "ses"),
	newInflection(`([ti])um$`, "${1}a"), newInflection(`(tax|criteri)on$`, "${1}a"), newInflection(`(p)erson$`, "${1}eople"), newInflection(`(m)an$`, "${1}en"),
	newInflection(`(c)hild$`, "${1}hildren"), newInflection(`(f)oot$`, "${1}eet"), newInflection(`(buffal|her|potat|tomat|volcan)o$`, "${1}oes"),
	newInflection(`(alumn|bacill|cact|foc|fung|nucle|radi|stimul|syllab|termin|vir)us$`, "${1}i"), newInflection(`us$`, "uses"),
	newInflection(`(alias)$`, "${1}es"), newInflection(`(analys|ax|cris|test|thes)is$`, "${1}es"), newInflection(`s$`, "s"), newInflection(`$`, "s"),
}

func setOf(words string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(words) {
		out[w] = true
	}
	return out
}

// LaravelTable returns the table that Eloquent derives from the name of a class: the plural of its last word.
func LaravelTable(class string) string {
	snake := LaravelSnake(class)
	n := strings.LastIndexByte(snake, '_') + 1
	return snake[:n] + pluralizeForLaravel(snake[n:])
}

// LaravelSnake writes the name of a class with an underscore before each capital, as Laravel does.
func LaravelSnake(class string) string {
	var out strings.Builder
	for i := range len(class) {
		if i > 0 && class[i] >= 'A' && class[i] <= 'Z' {
			out.WriteByte('_')
		}
		out.WriteByte(class[i])
	}
	return strings.ToLower(out.String())
}

func pluralizeForLaravel(word string) string {
	if unchangedByLaravel[word] || strings.HasSuffix(word, "ware") || strings.HasSuffix(word, "media") {
		return word
	}
	if plural := pluralsOfLaravel[word]; plural != "" {
		return plural
	}
	return applyRules(word, rulesOfLaravel)
}
