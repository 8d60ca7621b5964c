package scratch

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// LargeError says that a file is larger than it may be.
type LargeError struct {
	Most int64 // bytes
}

func (e *LargeError) Error() string { return fmt.Sprintf("it is larger than %d MB", e.Most>>20) }

// ReadBounded reads a file that a branch names, and may make a link to a device that never ends. A larger file is a [*LargeError].
func ReadBounded(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, most+1))
	if err == nil && int64(len(data)) > most {
		err = &LargeError{most}
	}
	return data, err
}

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
