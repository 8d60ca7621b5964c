package pgerror

// Syntax that a version does not have.
var (
	SyntaxAt          = Kind{"42601", `syntax error at or near "%s"`}
	SyntaxAtEnd       = Kind{"42601", "syntax error at end of input"}
	SyntaxOf          = Kind{"42601", "%s"}
	FromAlias         = Kind{"42601", "subquery in FROM must have an alias"}
	DoSelectReturning = Kind{"42601", "ON CONFLICT DO SELECT requires a RETURNING clause"}
	DoSelectInference = Kind{"42601", "ON CONFLICT DO SELECT requires inference specification or constraint name"}
	FromMissing       = Kind{"42P01", `missing FROM-clause entry for table "%s"`}
)

// Parameters that a version does not have, or not with a value.
var (
	SettingUnknown = Kind{"42704", `unrecognized configuration parameter "%s"`}
	StringsOff     = Kind{"0A000", "non-standard string literals are not supported"}
)
