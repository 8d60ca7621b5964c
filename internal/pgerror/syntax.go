package pgerror

// Syntax that a version does not have.
var (
	SyntaxAt    = Kind{"42601", `syntax error at or near "%s"`}
	SyntaxAtEnd = Kind{"42601", "syntax error at end of input"}
	SyntaxOf    = Kind{"42601", "%s"}
	FromAlias   = Kind{"42601", "subquery in FROM must have an alias"}
	FromMissing = Kind{"42P01", `missing FROM-clause entry for table "%s"`}
)
