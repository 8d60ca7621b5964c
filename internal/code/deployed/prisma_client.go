package deployed

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/code/mentions"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// isPrismaOnly reports whether all declarations of a model are in schemas of Prisma.
func isPrismaOnly(declared []index.Declaration) bool {
	return !slices.ContainsFunc(declared, func(d index.Declaration) bool { return path.Ext(d.Path) != ".prisma" || d.Class == "" })
}

// maxMembers bounds how many files are read for members of Prisma's client.
const maxMembers = 400

// usesPrismaModel reports whether code may query a model of Prisma: by a member of the client, by a field of another model that
// refers to it, or by SQL with the table's name. A word such as "example" elsewhere is none of these.
func (u *Code) usesPrismaModel(q question, declared []index.Declaration) bool {
	b := u.indexFor(q)
	var members, schemas []string
	for _, d := range declared {
		members = append(members, strings.ToLower(d.Class[:1])+d.Class[1:], d.Class)
	}
	for i := range u.ReadFiles().files {
		if p := u.ReadFiles().files[i].Path; path.Ext(p) == ".prisma" {
			schemas = append(schemas, p)
		}
	}
	texts, err := u.base.ReadAll(schemas)
	if err != nil {
		return true
	}
	var fields []string
	for _, d := range declared {
		field := lazyregexp.New(`(?m)^[ \t]+(\w+)[ \t]+` + d.Class + `\b`)
		for _, text := range texts {
			for _, m := range field.FindAllSubmatch(text, -1) {
				fields = append(fields, string(m[1]))
			}
		}
	}
	marks := newMarks(slices.Concat(members, fields, []string{q.Name.Name}))
	var otherPaths []string
	for i, names := range u.ReadFiles().readIdentifiers() {
		f := &u.ReadFiles().files[i]
		if path.Ext(f.Path) != ".prisma" && marks.isAnyIn(names) && (b.Skip == nil || !b.Skip(f.Path)) {
			if otherPaths = append(otherPaths, f.Path); len(otherPaths) > maxMembers {
				return true
			}
		}
	}
	if texts, err = u.base.ReadAll(otherPaths); err != nil {
		return true
	}
	any := "(?:" + strings.Join(members, "|") + ")"
	// A member: tx.example.findMany(), prisma.example, prisma["example"], { example } = prisma.
	member := lazyregexp.New(`[.?]\s*` + any + `[\s.?!]*\.\s*(?:find|create|update|upsert|delete|count|aggregate|groupBy|[A-Z])|` +
		`(?i:\w*prisma\w*|\bdb|\btx|\w*client)\s*[.?]+\s*` + any + `\b|(?i:prisma\w*|\bdb|\btx|client)\[["'` + "`]" + any + `["'` + "`]|" +
		`\{[^{}()\n]*\b` + any + `\b[^{}()\n]*\}\s*=`)
	// SQL: FROM "Example". Kysely: selectFrom("Example as e").
	sql := lazyregexp.New(`(?i)(?:\b(?:FROM|JOIN|INTO|UPDATE|TABLE|ONLY)\s+|` +
		`\b(?:\w*from|table|into|knex|db|insertInto|updateTable|\w+Join)\(\s*\[?\s*["'` + "`])" +
		`(?:\\?"?\w+\\?"?\.)?\\?"?` + regexp.QuoteMeta(q.Name.Name) + `\b`)
	for p, text := range texts {
		if member.Match(text) || sql.Match(text) || len(fields) > 0 && mentions.CutFile(p, text).NamesInCode(fields) {
			return true
		}
	}
	return false
}
