package audit

// fileAddress is the address of a source's database in a file that starts services or migrations.
type fileAddress struct {
	file string
	// isAtlas: the file is an Atlas project. environment is the name of its env block that has the address.
	isAtlas     bool
	environment string
	// host is its host and port as the file has them. server is the same if it surely is the server itself: a service of the file, or a
	// literal in an Atlas project; else "".
	host, server string
	// name is the database and the schema.
	name string
	// variables fill a part of it in. known is false if one of them has no value.
	variables string
	known     bool
}

// compareAddresses compares the addresses of two sources, in one file or in blocks with one name. It reports whether some are of two
// databases, and whether some are surely of one.
func compareAddresses(first, second []fileAddress) (different, equal bool) {
	isOnly := len(first) == 1 && len(second) == 1
	for _, a := range first {
		for _, b := range second {
			if isOnly {
				a.environment, b.environment = "", ""
			}
			different, equal = different || a.isOtherDatabase(b), equal || a.isSameDatabase(b)
		}
	}
	return different && !equal, equal && !different
}

// isOtherDatabase reports whether two addresses are of two databases. Two files may call two servers by one name.
func (a fileAddress) isOtherDatabase(b fileAddress) bool {
	if !a.known || !b.known || a.environment != b.environment {
		return false
	}
	return a.name != b.name || a.server != "" && b.server != "" && a.server != b.server && (a.file == b.file || a.isAtlas && b.isAtlas)
}

// isSameDatabase reports whether two addresses are surely of one database: two variables with the same default may get two values.
func (a fileAddress) isSameDatabase(b fileAddress) bool {
	if a.isAtlas && b.isAtlas && a.known {
		a.file = b.file
	}
	return a == b
}
