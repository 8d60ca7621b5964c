package inventory

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// CommentStatements returns statements that give the objects of a replacement the comments of the replaced objects with the same name, after a step
// has given them that name. An object that does not exist, or has a comment, is left alone.
func (c *Comparison) CommentStatements() (statements []string) {
	schema := c.Old.findProperty("schema")
	table := pgparse.QuoteLiteral(c.Replaced.Old) + "::text"
	for _, e := range c.ListConcerned() {
		if e.Kind != "comment" || strings.Contains(e.Name, " of ") {
			continue
		}
		for _, kind := range commentedKinds {
			name, found := strings.CutPrefix(e.Name, kind.entry+" ")
			if !found {
				continue
			}
			bare := pgparse.QuoteLiteral(bareName(name))
			object, place := kind.word+" "+name+" ON "+c.Replaced.Old, kind.table+" WHERE "+kind.relation+" = pg_catalog.to_regclass("+table+") AND "+kind.name+" = "+bare
			if kind.relation == "" {
				object = kind.word + " " + schema + "." + name
				place = kind.table + " WHERE " + kind.schema + " = pg_catalog.to_regnamespace(" + pgparse.QuoteLiteral(schema) + ") AND " + kind.name + " = " + bare
			}
			statements = append(statements, "DO LANGUAGE plpgsql "+pgparse.DollarQuote(`
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.`+place+` AND pg_catalog.obj_description(oid, '`+kind.table+`') IS NULL) THEN
    COMMENT ON `+object+` IS `+pgparse.QuoteLiteral(e.Definition)+`;
  END IF;
END
`))
		}
	}
	return statements
}

// ColumnCommentSQL returns a statement that gives a column, which replaces another one, the comment that the other one had: the step may have set the
// comment of the plan's start. It returns "" if the release itself changes the comment.
func (c *Comparison) ColumnCommentSQL(column string) string {
	if slices.Contains(c.Replaced.Sets, "comment") {
		return ""
	}
	comment := "NULL"
	for _, e := range c.Old {
		if e.Kind == "comment" && e.Name == pgparse.QuoteIdent(c.Replaced.OldColumn) {
			comment = pgparse.QuoteLiteral(e.Definition)
		}
	}
	return "\nCOMMENT ON COLUMN " + c.Replaced.Old + "." + pgparse.QuoteIdent(column) + " IS " + comment + ";"
}

// commentedKinds are the kinds of objects that a plan creates again under their old name.
var commentedKinds = []struct{ entry, word, table, name, schema, relation string }{
	{"index", "INDEX", "pg_class", "relname", "relnamespace", ""},
	{"statistics", "STATISTICS", "pg_statistic_ext", "stxname", "stxnamespace", ""},
	{"trigger", "TRIGGER", "pg_trigger", "tgname", "", "tgrelid"},
	{"check", "CONSTRAINT", "pg_constraint", "conname", "", "conrelid"},
	{"foreign key", "CONSTRAINT", "pg_constraint", "conname", "", "conrelid"},
	{"primary key", "CONSTRAINT", "pg_constraint", "conname", "", "conrelid"},
	{"unique constraint", "CONSTRAINT", "pg_constraint", "conname", "", "conrelid"},
	{"exclusion constraint", "CONSTRAINT", "pg_constraint", "conname", "", "conrelid"},
}
