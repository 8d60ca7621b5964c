package deployed

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/onward"
)

// FindBuiltQueries returns the places of the deployed code that build queries by calls; nil if the code was not read,
// or if recordings have its queries.
func (u *Code) FindBuiltQueries(schemas []*catalog.Catalog) *onward.BuiltQueries {
	if u == nil || u.text == nil || len(u.Recordings) > 0 {
		return nil
	}
	if built := u.countBuiltQueries(nil, schemas); built.Places > 0 {
		return built
	}
	return nil
}

// countBuiltQueries counts the places of the code that build queries by calls, by file, outside the excluded directories.
func (u *Code) countBuiltQueries(excluded []string, schemas []*catalog.Catalog) *onward.BuiltQueries {
	out := &onward.BuiltQueries{Revision: u.name}
	for _, f := range u.ReadFiles().files {
		if f.Facts == nil || f.Observed || isInDirs(excluded, f.Path) {
			continue
		}
		if n := countBuiltPlaces(f.Facts, schemas); n > 0 {
			out.Places += n
			out.Files = append(out.Files, onward.BuiltFile{Path: f.Path, Places: n})
		}
	}
	slices.SortStableFunc(out.Files, func(a, b onward.BuiltFile) int { return b.Places - a.Places })
	return out
}

// countBuiltPlaces counts the places of a file: calls of mappers and query builders, and other calls that name a table.
func countBuiltPlaces(f *facts.Facts, schemas []*catalog.Catalog) int {
	n := len(f.Builds)
	for _, call := range f.Calls {
		table := call.Table[strings.LastIndexByte(call.Table, '.')+1:]
		counted := slices.Contains(f.Builds, call.Line) || slices.Contains(f.Builds, call.Line+1)
		if !counted && slices.ContainsFunc(schemas, func(c *catalog.Catalog) bool { return c != nil && c.Lookup("", table) != nil }) {
			n++
		}
	}
	return n
}
