package rules

import (
	"embed"
	"strings"
)

//go:embed */testdata/*.txtar
var fixtures embed.FS

// FixtureText is the text of a rule's fixture, from which its examples are shown:
// "index-create-blocking" is index/testdata/create_blocking.txtar. ok is false
// when the rule has none.
func FixtureText(id string) (text []byte, ok bool) {
	subject, rest, _ := strings.Cut(id, "-")
	text, err := fixtures.ReadFile(subject + "/testdata/" + strings.ReplaceAll(rest, "-", "_") + ".txtar")
	return text, err == nil
}
