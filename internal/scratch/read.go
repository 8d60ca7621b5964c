package scratch

import (
	"errors"
	"io"
	"os"
)

// ReadUntrusted reads at most so many bytes of a file in a directory that a stranger's program could write. The program
// may have put a link, a pipe or a device in the file's place, which are an error.
func ReadUntrusted(path string, most int64) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &os.PathError{Op: "read", Path: path, Err: errors.New("it is no regular file")}
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(file, most))
}
