package rules

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed */testdata/*.txtar
var fixtures embed.FS

// FixtureText is the text of a rule's fixture, from which its examples are shown. ok is false
// if the rule has none. Fixtures are named like the files of rules: "index-duplicate" is
// index/testdata/duplicate.txtar, and "table-rename" is rename/testdata/table_rename.txtar.
func FixtureText(id string) (text []byte, ok bool) {
	subject, rest, _ := strings.Cut(strings.ReplaceAll(id, "-", "_"), "_")
	if text, err := fixtures.ReadFile(subject + "/testdata/" + rest + ".txtar"); err == nil {
		return text, true
	}
	found, _ := fs.Glob(fixtures, "*/testdata/"+subject+"_"+rest+".txtar")
	if len(found) == 0 {
		return nil, false
	}
	text, err := fixtures.ReadFile(found[0])
	return text, err == nil
}
