package source

// Reader reads what files of some extensions declare. Most files have none of its signs, and are not read a second time.
type Reader struct {
	Endings []string
	// Signs are texts of which each file with such declarations has at least one. An empty list means all files.
	Signs []string
	Read  func(r *File)
}
