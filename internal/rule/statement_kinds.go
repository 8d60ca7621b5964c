package rule

import "github.com/onward-sql/onward/internal/pgparse"

// Kinds is a set of kinds of statements. A release has many statements, and most rules
// are about one kind; the engine calls a rule only for its kinds.
type Kinds uint8

// The kinds. Each statement has exactly one.
const (
	CreateTable Kinds = 1 << iota // CREATE TABLE, not CREATE TABLE AS
	AlterTable                    // ALTER TABLE, and its like for views, indexes, sequences and types
	CreateIndex
	Drop    // DROP of any object
	Data    // INSERT, UPDATE, DELETE, MERGE, SELECT
	Another // every other one
)

// anyKind is the set of all kinds.
const anyKind = CreateTable | AlterTable | CreateIndex | Drop | Data | Another

// kindOf returns the kind of a statement.
func kindOf(node *pgparse.Node) Kinds {
	switch node.GetNode().(type) {
	case *pgparse.Node_CreateStmt:
		return CreateTable
	case *pgparse.Node_AlterTableStmt:
		return AlterTable
	case *pgparse.Node_IndexStmt:
		return CreateIndex
	case *pgparse.Node_DropStmt:
		return Drop
	case *pgparse.Node_InsertStmt, *pgparse.Node_UpdateStmt, *pgparse.Node_DeleteStmt, *pgparse.Node_MergeStmt, *pgparse.Node_SelectStmt:
		return Data
	}
	return Another
}
