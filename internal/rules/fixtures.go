package rules

import (
	"embed"
	"strings"
)

//go:embed */testdata/*.txtar
var fixtures embed.FS

// FixtureText is the text of a rule's fixture, from which its examples are shown. ok is false
// if the rule has none. Fixtures are named like the files of rules: "index-duplicate" is
// index/testdata/duplicate.txtar, and "table-rename" is rename/testdata/table_rename.txtar.
func FixtureText(id string) (text []byte, ok bool) {
	name := strings.ReplaceAll(id, "-", "_") + ".txtar"
	subject, rest, _ := strings.Cut(name, "_")
	if text, err := fixtures.ReadFile(subject + "/testdata/" + rest); err == nil {
		return text, true
	}
	folders, _ := fixtures.ReadDir(".")
	for _, folder := range folders {
		if text, err := fixtures.ReadFile(folder.Name() + "/testdata/" + name); err == nil {
			return text, true
		}
	}
	return nil, false
}
