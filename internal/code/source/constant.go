package source

import (
	"github.com/onward-sql/onward/internal/lazyregexp"
)

var TableText = lazyregexp.New(`^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?$`)
