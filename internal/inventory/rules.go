package inventory

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// treatment says whether an entry of a replaced relation or column may get lost, and which step keeps it.
type treatment int

const (
	refused  treatment = iota // it would be lost: the plan is refused unless it was made for it
	carried                   // live.CarryProperties or the plan's steps give it to the replacement
	kept                      // it is not dropped with the replaced object, or holds nothing that could be lost
	adopted                   // it is refused if it was not there at the plan's start: the replacement gets its present form
	ordinary                  // it is refused unless its definition is an ordinary one
)

// rule is the treatment of a kind of entries if a column or a table is replaced.
type rule struct {
	column, table treatment
	reason        string // for carried and kept
	definitions   string // the ordinary definitions, separated by spaces
}

// rules have each kind of entries.
var rules = map[string]rule{
	"kind":                 {kept, kept, "no command changes it, and the plan's schema has it", ""},
	"schema":               {kept, kept, "the plan names the relation with its schema", ""},
	"owner":                {kept, carried, "ALTER TABLE … OWNER TO", ""},
	"persistence":          {kept, ordinary, "", "p"},
	"access method":        {kept, ordinary, "", "heap"},
	"tablespace":           {kept, refused, "", ""},
	"settings":             {kept, carried, "ALTER TABLE … SET", ""},
	"settings of TOAST":    {kept, carried, "ALTER TABLE … SET", ""},
	"row security":         {kept, refused, "", ""},
	"replica identity":     {refused, ordinary, "", "FULL NOTHING"},
	"type":                 {kept, refused, "", ""},
	"partition key":        {kept, kept, "the plan knows the kind of the table", ""},
	"default partition":    {kept, kept, "an entry of its own", ""},
	"populated":            {kept, kept, "no step replaces a materialized view", ""},
	"extension":            {refused, refused, "", ""},
	"initial privileges":   {kept, kept, "only pg_dump reads them, for members of an extension", ""},
	"foreign table":        {kept, refused, "", ""},
	"parent":               {kept, refused, "", ""},
	"partition":            {kept, refused, "", ""},
	"child":                {kept, refused, "", ""},
	"column":               {kept, refused, "the plan is about its type, which the plan's trigger keeps", ""},
	"not null":             {refused, refused, "", ""},
	"not null constraint":  {kept, kept, "the entry not null has it, and a step gives it its name; its comment is carried over", ""},
	"identity":             {adopted, adopted, "", ""},
	"default":              {refused, refused, "", ""},
	"generated column":     {refused, refused, "", ""},
	"storage":              {carried, carried, "ALTER COLUMN … SET STORAGE", ""},
	"compression":          {carried, carried, "ALTER COLUMN … SET COMPRESSION", ""},
	"statistics target":    {carried, carried, "ALTER COLUMN … SET STATISTICS", ""},
	"settings of column":   {carried, carried, "ALTER COLUMN … SET", ""},
	"options of column":    {refused, refused, "", ""},
	"privilege":            {carried, carried, "GRANT and REVOKE", ""},
	"comment":              {carried, carried, "COMMENT ON", ""},
	"security label":       {refused, refused, "", ""},
	"index":                {refused, refused, "", ""},
	"primary key":          {refused, refused, "", ""},
	"unique constraint":    {refused, refused, "", ""},
	"exclusion constraint": {refused, refused, "", ""},
	"check":                {refused, refused, "", ""},
	"foreign key":          {refused, refused, "", ""},
	"trigger":              {refused, refused, "", ""},
	"rule":                 {refused, refused, "", ""},
	"query":                {refused, refused, "", ""},
	"policy":               {refused, refused, "", ""},
	"statistics":           {refused, refused, "", ""},
	"view":                 {refused, refused, "", ""},
	"materialized view":    {refused, refused, "", ""},
	"function":             {refused, refused, "", ""},
	"sequence":             {adopted, adopted, "", ""},
	"publication":          {refused, refused, "", ""},
	"subscription":         {refused, refused, "", ""},
	"object":               {refused, refused, "", ""},
}

// ViewStatements returns the statements that give a recreated view the owner, privileges, triggers and comments of the old one, and that
// revoke privileges which the old one had not. lost are the entries for which there is no statement. created is nil before the view is created.
func ViewStatements(view string, old, created Inventory, ownObjects OwnObjects) (statements []string, lost []Loss) {
	var last []string // comments, whose objects come first
	add := func(sql string) { statements = append(statements, sql) }
	owner := old.findProperty("owner")
	statements = newPrivilegeRevokes(view, owner, old, created)
	for i := range old {
		e := &old[i]
		if created.HasEntry(e) {
			continue
		}
		switch {
		case e.IsMadeWithView() || ownObjects.HasObject(e):
		case e.Kind == "owner":
			statements = slices.Insert(statements, 0, "ALTER VIEW "+view+" OWNER TO "+e.Definition)
		case e.Kind == "settings":
			add("ALTER VIEW " + view + " SET (" + e.Definition + ")")
		case e.Kind == "default":
			add("ALTER VIEW " + view + " ALTER COLUMN " + e.Name + " SET DEFAULT " + e.Definition)
		case e.Kind == "privilege":
			privilege, grantee := splitPrivilege(e.Name)
			if grantee == owner {
				continue
			}
			sql := "GRANT " + privilege + " ON TABLE " + view + " TO " + grantee
			if strings.HasSuffix(e.Definition, grantOption) {
				sql += grantOption
			}
			add(sql)
		case (e.Kind == "trigger" || e.Kind == "rule") && !strings.Contains(e.Name, " of ") &&
			strings.HasPrefix(e.Definition, "CREATE ") && !hasFiringMode(e.Definition):
			add(strings.TrimSuffix(e.Definition, ";"))
		case e.Kind == "comment" && e.Name == "":
			last = append(last, "COMMENT ON VIEW "+view+" IS "+pgparse.QuoteLiteral(e.Definition))
		case e.Kind == "comment" && len(e.Columns) == 1 && !strings.Contains(e.Name, " "):
			last = append(last, "COMMENT ON COLUMN "+view+"."+e.Name+" IS "+pgparse.QuoteLiteral(e.Definition))
		case e.Kind == "comment" && (strings.HasPrefix(e.Name, "trigger ") || strings.HasPrefix(e.Name, "rule ")):
			kind, name, _ := strings.Cut(e.Name, " ")
			last = append(last, "COMMENT ON "+strings.ToUpper(kind)+" "+name+" ON "+view+" IS "+pgparse.QuoteLiteral(e.Definition))
		default:
			lost = append(lost, Loss{Entry: *e})
		}
	}
	return append(statements, last...), lost
}

// IsMadeWithView reports whether the statement of a view decides the entry.
func (e *Entry) IsMadeWithView() bool { return slices.Contains(remadeWithView, e.Kind) }

// remadeWithView are the kinds of entries that the statement of a view decides.
var remadeWithView = []string{"kind", "schema", "persistence", "access method", "replica identity", "query", "column", "not null", "storage", "compression"}

const grantOption = " WITH GRANT OPTION"

// findProperty returns the definition of a property of the relation.
func (inv Inventory) findProperty(kind string) string {
	if i := slices.IndexFunc(inv, func(e Entry) bool { return e.Kind == kind && e.Name == "" }); i >= 0 {
		return inv[i].Definition
	}
	return ""
}

// newPrivilegeRevokes returns the statements that revoke the privileges which only the new view has.
func newPrivilegeRevokes(view, owner string, old, created Inventory) (statements []string) {
	for _, e := range created {
		if e.Kind != "privilege" || old.HasEntry(&e) {
			continue
		}
		if privilege, grantee := splitPrivilege(e.Name); grantee != owner && grantee != created.findProperty("owner") {
			statements = append(statements, "REVOKE "+privilege+" ON TABLE "+view+" FROM "+grantee)
		}
	}
	return statements
}

// splitPrivilege splits the name of a privilege: "SELECT (a) to reader".
func splitPrivilege(name string) (privilege, grantee string) {
	i := strings.LastIndex(name, " to ")
	if j := strings.LastIndex(name, ` to "`); j >= 0 {
		i = j
	}
	return name[:i], name[i+len(" to "):]
}

// hasFiringMode reports whether a trigger or a rule does not fire as it does after CREATE.
func hasFiringMode(definition string) bool {
	return slices.ContainsFunc([]string{", disabled", ", on replicas", ", always"}, func(mode string) bool { return strings.HasSuffix(definition, mode) })
}

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
