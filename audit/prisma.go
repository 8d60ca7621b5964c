package audit

import (
	"path"
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/gitrange"
)

// Prisma makes the table of a relation between many and many from the names of
// its models, and no code names it: _PostToTag for a list of Tag in Post and one
// of Post in Tag.
var (
	joinTable   = regexp.MustCompile(`^_([A-Za-z]\w*?)To([A-Z]\w*)$`)
	prismaModel = regexp.MustCompile(`^\s*model\s+(\w+)\s*\{`)
	prismaList  = regexp.MustCompile(`^\s*\w+\s+(\w+)\[\]`)
)

// joined finds the lists of a schema of Prisma's for which a table exists.
func joined(t gitrange.Tree, table string) []gitrange.Hit {
	m := joinTable.FindStringSubmatch(table)
	if m == nil {
		return nil
	}
	var left, right []gitrange.Hit
	for _, f := range t.Files() {
		if path.Ext(f.Path) != ".prisma" {
			continue
		}
		text, err := t.Read(f.Path)
		if err != nil {
			continue
		}
		model := ""
		for i, line := range strings.Split(string(text), "\n") {
			if in := prismaModel.FindStringSubmatch(line); in != nil {
				model = in[1]
			}
			list := prismaList.FindStringSubmatch(line)
			if list == nil || strings.Contains(line, "@relation(") {
				continue // one with a name has a table of that name
			}
			hit := gitrange.Hit{Word: table, Path: f.Path, Line: i + 1, Text: strings.TrimSpace(line)}
			switch {
			case model == m[1] && list[1] == m[2]:
				left = append(left, hit)
			case model == m[2] && list[1] == m[1]:
				right = append(right, hit)
			}
		}
	}
	if len(left) == 0 || len(right) == 0 && m[1] != m[2] {
		return nil // one to many has no table
	}
	return append(left, right...)
}
