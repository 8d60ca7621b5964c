package inventory

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// CommentSQL returns statements that give the objects of a replacement the comments of the replaced objects with the same name, after a step
// has given them that name. If the replaced object has no comment, the new one gets none. Objects that do not exist, and those whose comment
// the release itself changes, stay as they are.
func (c *Comparison) CommentSQL() string {
	const equal = " OPERATOR(pg_catalog.=) " // the statements run with the plan's search_path
	schema := c.Old.findProperty("schema")
	table := pgparse.QuoteLiteral(c.Replaced.Old) + "::pg_catalog.text"
	comments := map[string]string{}
	for _, e := range c.Old {
		if e.Kind == "comment" {
			comments[e.Name] = pgparse.QuoteLiteral(e.Definition)
		}
	}
	list := c.ListConcerned()
	for _, e := range list {
		if keyKinds[e.Kind] { // its index has a comment of its own
			list = append(list, Entry{Kind: "index", Name: e.Name})
		}
	}
	var b strings.Builder
	for _, e := range list {
		kind, isCommented := commentedKinds[e.Kind]
		if !isCommented || strings.Contains(e.Name, " of ") {
			continue
		}
		bare := bareName(e.Name)
		if slices.Contains(c.Replaced.Sets, onward.CommentOn+strings.ToLower(kind.word)+" "+bare) {
			continue
		}
		comment, listed := comments[e.Kind+" "+e.Name]
		differs := "IS NOT NULL"
		if listed {
			differs = "IS NULL OR pg_catalog.obj_description(oid, '" + kind.table + "') OPERATOR(pg_catalog.<>) " + comment
		}
		bare = pgparse.QuoteLiteral(bare)
		object := kind.word + " " + e.Name + " ON " + c.Replaced.Old
		place := kind.table + " WHERE " + kind.relation + equal + "pg_catalog.to_regclass(" + table + ")::pg_catalog.oid AND " + kind.name + equal + bare
		if kind.relation == "" {
			object = kind.word + " " + schema + "." + e.Name
			place = kind.table + " WHERE " + kind.schema + equal + "pg_catalog.to_regnamespace(" + pgparse.QuoteLiteral(schema) +
				")::pg_catalog.oid AND " + kind.name + equal + bare
		}
		b.WriteString("\nDO LANGUAGE plpgsql " + pgparse.DollarQuote(`
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.`+place+`
      AND (pg_catalog.obj_description(oid, '`+kind.table+`') `+differs+`)) THEN
    COMMENT ON `+object+` IS `+cmp.Or(comment, "NULL")+`;
  END IF;
END
`) + ";")
	}
	return b.String()
}

// NotNullCommentSQL returns statements that give the NOT NULL constraints of a replacement, under any name, the comments of the replaced ones. column is
// the name that the replacement column has then.
func (c *Comparison) NotNullCommentSQL(column string) string {
	var b strings.Builder
	for _, e := range c.ListConcerned() {
		i := slices.IndexFunc(c.Old, func(o Entry) bool { return o.Kind == "comment" && o.Name == e.FullName() })
		if e.Kind != "not null constraint" || strings.Contains(e.Name, " of ") || len(e.Columns) != 1 || i < 0 {
			continue
		}
		b.WriteString("\nDO LANGUAGE plpgsql " + pgparse.DollarQuote(`
DECLARE
  onward_name pg_catalog.name;
BEGIN
  SELECT n.conname INTO onward_name FROM pg_catalog.pg_constraint AS n JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) n.conrelid
      AND a.attnum OPERATOR(pg_catalog.=) n.conkey[1]
    WHERE n.conrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass(`+pgparse.QuoteLiteral(c.Replaced.Old)+`::pg_catalog.text)::pg_catalog.oid
      AND n.contype OPERATOR(pg_catalog.=) 'n' AND a.attname OPERATOR(pg_catalog.=) `+pgparse.QuoteLiteral(cmp.Or(column, e.Columns[0]))+`;
  IF FOUND THEN
    EXECUTE pg_catalog.format('COMMENT ON CONSTRAINT %I ON %s IS %L', onward_name, `+pgparse.QuoteLiteral(c.Replaced.Old)+`, `+
			pgparse.QuoteLiteral(c.Old[i].Definition)+`);
  END IF;
END
`) + ";")
	}
	return b.String()
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

// keyKinds are the kinds of constraints with an index, which has the constraint's name.
var keyKinds = map[string]bool{"primary key": true, "unique constraint": true, "exclusion constraint": true}

// commentedKinds are the kinds of objects that a plan creates again under their old name.
var commentedKinds = map[string]struct{ word, table, name, schema, relation string }{
	"index":                {"INDEX", "pg_class", "relname", "relnamespace", ""},
	"statistics":           {"STATISTICS", "pg_statistic_ext", "stxname", "stxnamespace", ""},
	"trigger":              {"TRIGGER", "pg_trigger", "tgname", "", "tgrelid"},
	"check":                {"CONSTRAINT", "pg_constraint", "conname", "", "conrelid"},
	"foreign key":          {"CONSTRAINT", "pg_constraint", "conname", "", "conrelid"},
	"primary key":          {"CONSTRAINT", "pg_constraint", "conname", "", "conrelid"},
	"unique constraint":    {"CONSTRAINT", "pg_constraint", "conname", "", "conrelid"},
	"exclusion constraint": {"CONSTRAINT", "pg_constraint", "conname", "", "conrelid"},
}
