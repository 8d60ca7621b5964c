// Package ownschema checks a schema that onward keeps in a database before onward uses it: who owns it, and whether somebody else
// planted objects there. Whoever may create a schema could otherwise have views, triggers and defaults of theirs run with the operator's rights.
package ownschema

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Schema is a schema that onward keeps in a database, such as the schema of its ledger.
type Schema struct {
	Name string
	// Inventory has everything that the schema may have, as [ReadInventory] returns it. nil: the schema may have any plain table, and what
	// belongs to it.
	Inventory []string
	// Program: another program makes the objects, which are not only tables. Only their owners count.
	Program bool
}

// PlantedError says that onward does not use a schema, because others own it or objects in it.
type PlantedError struct {
	Schema, Owner string
	// Problems name the objects, and their owners.
	Problems []string
}

// Error names the objects.
func (e *PlantedError) Error() string {
	return fmt.Sprintf("the schema %s, of %s, is not used, because others could have their code run with the rights of this role: %s. "+
		"Nothing was read from it or changed. docs/rights.md#whose-schemas-onward-uses says what to do", e.Schema, e.Owner, strings.Join(e.Problems, "; "))
}

// Conn is the part of a connection that a check needs.
type Conn interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// object is an object of a schema, or one that is attached to a relation of it.
type object struct {
	kind, name, definition string
	owner                  string // "" for the server's own superuser
	trusted                bool   // its owner
	function               string // that it calls, of a role that is not trusted
	grants                 []string
}

// inventoryLine returns the object's line of an inventory.
func (o *object) inventoryLine() string {
	return strings.TrimSpace(o.kind + " " + o.name + " " + o.definition)
}

// Check returns a [*PlantedError] if the schema exists and must not be used. role runs the steps of a plan; "" for none. The caller's
// transaction has onward's own settings.
func (s *Schema) Check(ctx context.Context, conn Conn, role string) error {
	list, err := readObjects(ctx, conn, s, role)
	if err != nil {
		return fmt.Errorf("read what the schema %s has: %w", s.Name, err)
	}
	var problems []string
	var owner string
	for i := range list {
		if list[i].kind == "schema" {
			owner = list[i].owner
		}
		if problem := s.describeProblem(&list[i]); problem != "" {
			problems = append(problems, problem)
		}
	}
	if len(problems) == 0 {
		return nil
	}
	const most = 5
	if more := len(problems) - most; more > 0 {
		problems = append(problems[:most], fmt.Sprintf("and %d more", more))
	}
	return &PlantedError{Schema: s.Name, Owner: owner, Problems: problems}
}

// describeProblem returns what is wrong with an object; "" for nothing.
func (s *Schema) describeProblem(o *object) string {
	name := o.kind + " " + o.name
	switch {
	case !o.trusted:
		return name + " belongs to " + o.owner
	case o.function != "":
		return name + " calls " + o.function
	case len(o.grants) > 0:
		return name + ": others have " + strings.Join(o.grants, ", ")
	case o.kind == "schema" || s.Program:
		return ""
	case s.Inventory == nil:
		if !slices.Contains(plainKinds, o.kind) {
			return name + " is not onward's"
		}
	case !slices.Contains(s.Inventory, o.inventoryLine()):
		return name + " is not as onward makes it" + describeOwner(o)
	}
	return ""
}

func describeOwner(o *object) string {
	if o.owner == "" {
		return ""
	}
	return ", and belongs to " + o.owner
}

// plainKinds are the kinds of objects of a plain table.
var plainKinds = []string{"table", "table constraint", "index", "default value", "sequence"}

// ReadInventory returns a line for each object of a schema, sorted.
func ReadInventory(ctx context.Context, conn Conn, schema string) ([]string, error) {
	list, err := readObjects(ctx, conn, &Schema{Name: schema, Inventory: []string{}}, "")
	var out []string
	for i := range list {
		if o := &list[i]; o.kind != "schema" {
			out = append(out, o.inventoryLine())
		}
	}
	slices.Sort(out)
	return out, err
}

// mostDrops is how often the objects are read again because another session has dropped one meanwhile.
const mostDrops = 100

// readObjects reads the objects of a schema. Plans of other schemas drop their cursors at any time. If the server is about to describe an object
// that is gone, it ends the query with an internal error.
func readObjects(ctx context.Context, conn Conn, s *Schema, role string) (list []object, err error) {
	for range mostDrops {
		if _, err := conn.Exec(ctx, "SAVEPOINT onward_objects"); err != nil && !hasSQLState(err, "25P01") { // outside of a transaction none is needed
			return nil, err
		}
		if list, err = queryObjects(ctx, conn, s, role); !hasSQLState(err, "XX000") {
			return list, err
		}
		if _, back := conn.Exec(ctx, "ROLLBACK TO SAVEPOINT onward_objects"); back != nil && !hasSQLState(back, "25P01") {
			return nil, back
		}
	}
	return nil, err
}

// hasSQLState reports whether an error is the server's, with a SQLSTATE.
func hasSQLState(err error, code string) bool {
	refused := new(pgconn.PgError)
	return errors.As(err, &refused) && refused.Code == code
}

func queryObjects(ctx context.Context, conn Conn, s *Schema, role string) ([]object, error) {
	rows, _ := conn.Query(ctx, objectsQuery, s.Name, role, s.Inventory != nil)
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (o object, err error) {
		return o, row.Scan(&o.kind, &o.name, &o.definition, &o.owner, &o.trusted, &o.function, &o.grants)
	})
}
