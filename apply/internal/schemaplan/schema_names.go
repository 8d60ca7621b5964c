package schemaplan

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// sharedSchemas are schemas that a plan may name although it runs in many schemas: their objects are the same for all.
var sharedSchemas = []string{"", onward.PlanRoom, "pg_catalog", "information_schema", "pg_temp"}

// CheckSchemaFree returns an error if a step names a schema for what belongs to one, or works on what a database has only once. Then the same
// step would do the same again for each schema.
func CheckSchemaFree(s *onward.PlanStep) error {
	for _, e := range s.Effects {
		if schema, _, ok := strings.Cut(e.Relation, "."); ok && schema != "public" && !slices.Contains(sharedSchemas, schema) {
			return fmt.Errorf("it works on %s", e.Relation)
		}
	}
	texts := []string{s.SQL, s.Undo, s.Check}
	if s.Backfill != nil {
		texts = append(texts, s.Backfill.Table, s.Backfill.Work)
		for _, c := range s.Backfill.Compare {
			texts = append(texts, c.Table, c.Wrong, c.Mend)
		}
	}
	for _, sql := range texts {
		if name := findPublicName(sql); name != "" {
			return fmt.Errorf("it names %s", name)
		}
	}
	for _, sql := range texts[:3] {
		if err := checkStatementNames(sql); err != nil {
			return err
		}
	}
	return nil
}

// findPublicName returns a name with the schema public in SQL, also inside a string or a function's body; "" for none.
func findPublicName(sql string) string {
	lower := strings.ToLower(sql)
	for at := 0; ; {
		i := strings.Index(lower[at:], "public")
		if i < 0 {
			return ""
		}
		i += at
		at = i + len("public")
		rest := strings.TrimPrefix(lower[at:], `"`)
		if (i == 0 || !isNameByte(lower[i-1])) && strings.HasPrefix(strings.TrimLeft(rest, " "), ".") {
			return strings.TrimSpace(sql[i:min(len(sql), at+40)])
		}
	}
}

func isNameByte(c byte) bool {
	return c == '_' || c == '$' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 0x80
}

// checkStatementNames checks the names in statements.
func checkStatementNames(sql string) error {
	f, err := pgparse.SplitText(sql)
	if err != nil {
		return errors.New("it cannot be read")
	}
	for _, stmt := range f.Stmts {
		var found error
		pgparse.Walk(stmt.Node, func(msg any) bool {
			if found == nil {
				found = checkNode(msg)
			}
			return found == nil
		})
		if found != nil {
			return found
		}
	}
	return nil
}

// checkNode checks a node of a statement's tree.
func checkNode(msg any) error {
	var names []*pgparse.Node
	switch n := msg.(type) {
	case *pgparse.RangeVar:
		return checkSchemaName(n.Schemaname, n.Relname)
	case *pgparse.ObjectWithArgs:
		names = n.Objname
	case *pgparse.CreateFunctionStmt:
		names = n.Funcname
	case *pgparse.CreateEnumStmt:
		names = n.TypeName
	case *pgparse.AlterEnumStmt:
		names = n.TypeName
	case *pgparse.CreateDomainStmt:
		names = n.Domainname
	case *pgparse.DefineStmt:
		names = n.Defnames
	case *pgparse.CreateSchemaStmt:
		return checkOnly(n.Schemaname == onward.PlanRoom, "a schema")
	case *pgparse.DropStmt:
		return checkDrop(n)
	case *pgparse.RenameStmt:
		return checkOnly(n.RenameType != pgparse.ObjectType_OBJECT_SCHEMA, "a schema")
	case *pgparse.AlterOwnerStmt:
		return checkOnly(n.ObjectType != pgparse.ObjectType_OBJECT_SCHEMA, "a schema")
	case *pgparse.CreateExtensionStmt, *pgparse.AlterExtensionStmt, *pgparse.AlterExtensionContentsStmt:
		return checkOnly(false, "an extension")
	case *pgparse.CreatePublicationStmt, *pgparse.AlterPublicationStmt:
		return checkOnly(false, "a publication")
	case *pgparse.CreateEventTrigStmt, *pgparse.AlterEventTrigStmt:
		return checkOnly(false, "an event trigger")
	}
	schema, name := pgparse.SchemaAndName(names)
	return checkSchemaName(schema, name)
}

// checkDrop checks what a DROP drops.
func checkDrop(n *pgparse.DropStmt) error {
	for _, o := range n.Objects {
		if n.RemoveType == pgparse.ObjectType_OBJECT_SCHEMA {
			return checkOnly(pgparse.StringText(o) == onward.PlanRoom, "a schema")
		}
		if n.RemoveType == pgparse.ObjectType_OBJECT_EXTENSION || n.RemoveType == pgparse.ObjectType_OBJECT_PUBLICATION {
			return checkOnly(false, "an object of the whole database")
		}
		names := pgparse.ListItems(o)
		if t := o.GetTypeName(); t != nil {
			names = t.Names
		}
		switch n.RemoveType {
		case pgparse.ObjectType_OBJECT_TRIGGER, pgparse.ObjectType_OBJECT_POLICY, pgparse.ObjectType_OBJECT_RULE:
			names = names[:max(0, len(names)-1)] // the last one is the trigger
		}
		if err := checkSchemaName(pgparse.SchemaAndName(names)); err != nil {
			return err
		}
	}
	return nil
}

func checkSchemaName(schema, name string) error {
	if slices.Contains(sharedSchemas, schema) {
		return nil
	}
	return fmt.Errorf("it names %s.%s", schema, name)
}

// checkOnly returns an error for a statement about what a database has once.
func checkOnly(allowed bool, what string) error {
	if allowed {
		return nil
	}
	return fmt.Errorf("it creates, changes or drops %s, which the database has only once", what)
}
