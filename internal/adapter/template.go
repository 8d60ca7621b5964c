package adapter

import (
	"regexp"
	"strings"
)

// A schema that the runner fills in when it starts (pop, Flyway, sql-migrate's
// wrappers): {{ index .Options "Namespace" }}.users, ${schema}.users.
var schemaToken = regexp.MustCompile(`(?:\{\{[^{}\n]{1,60}\}\}|\$\{[^{}\n]{1,60}\})\.`)

// The word that names it: the last one inside.
var schemaWord = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)

// filled puts a name in the place of a schema that the runner fills in, with
// spaces behind it, so that every place in the text stays where it is. What the
// schema is really called matters to nothing that is judged.
func filled(text string) string {
	if !strings.Contains(text, "}.") || !strings.Contains(text, "{{") && !strings.Contains(text, "${") {
		return text
	}
	return schemaToken.ReplaceAllStringFunc(text, func(token string) string {
		words := schemaWord.FindAllString(token, -1)
		if len(words) == 0 {
			return token
		}
		name := strings.ToLower(words[len(words)-1])
		return name + strings.Repeat(" ", len(token)-len(name)-1) + "."
	})
}
