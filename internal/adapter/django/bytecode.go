package django

import (
	"io/fs"
	"os"
	"path/filepath"
)

// maxBytecode bounds the byte code that is kept, in bytes. Some twenty environments fit.
const maxBytecode = 500 << 20

// bytecodeDir returns the directory for Python's byte code, so that the next run does not compile again; ""
// for none.
func (c *Config) bytecodeDir() string {
	dir := c.cacheDir()
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, "bytecode")
}

// trimBytecode removes byte code if there is too much: Python compiles again what it needs.
func trimBytecode(dir string) {
	if dir == "" || os.MkdirAll(dir, 0o700) != nil {
		return
	}
	size := int64(0)
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil {
				size += info.Size()
			}
		}
		return nil
	})
	if size > maxBytecode {
		_ = os.RemoveAll(dir)
	}
}
