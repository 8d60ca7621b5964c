package source

import (
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// TableText matches a text that may be the name of a table, with a schema or without: "users", "crm.users".
var TableText = lazyregexp.New(`^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?$`)
