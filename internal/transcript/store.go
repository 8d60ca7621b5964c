package transcript

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/onward-sql/onward/internal/scratch"
)

// Stored is what [Transcript.WriteFile] wrote.
type Stored struct {
	SHA256 string
	Bytes  int64
}

// FileName returns the name of a recording's transcript: it is beside the recording.
func FileName(recording string) string {
	return strings.TrimSuffix(strings.TrimSuffix(recording, ".gz"), ".json") + ".transcript"
}

// CheckFile returns an error if a transcript may not be written to a path: it would replace a symbolic link, or something that is no file
// of this user.
func CheckFile(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		_, err := os.Stat(filepath.Dir(path))
		return err
	case err != nil:
		return err
	case info.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a symbolic link: remove it", path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is no file", path)
	case !scratch.BelongsToUser(info):
		return fmt.Errorf("%s belongs to another user", path)
	}
	return nil
}

// WriteFile stores a transcript in a file that only this user may read. With a recipient it is encrypted, see [CheckRecipient].
func (t *Transcript) WriteFile(path, recipient string) (Stored, error) {
	if err := CheckFile(path); err != nil {
		return Stored{}, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".onward-*.transcript") // readable by nobody else
	if err != nil {
		return Stored{}, err
	}
	hash := sha256.New()
	out := bufio.NewWriter(io.MultiWriter(f, hash))
	if recipient == "" {
		err = t.Write(out)
	} else {
		err = t.writeEncrypted(out, recipient)
	}
	if err == nil {
		err = out.Flush()
	}
	info, statErr := f.Stat()
	if err = errors.Join(err, statErr, f.Close()); err == nil {
		err = CheckFile(path)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return Stored{}, errors.Join(err, os.Remove(f.Name()))
	}
	return Stored{hex.EncodeToString(hash.Sum(nil)), info.Size()}, nil
}

// ErrOtherFile says that a file is not the one that was written: it is another run's, or was changed.
var ErrOtherFile = errors.New("it is another run's transcript, or was changed")

// ReadFile reads a transcript that [Transcript.WriteFile] stored, and whose SHA-256 is sum. identities is a file with keys of age, for one that is
// encrypted; "" for none.
//
// Errors: [ErrOtherFile], whatever else is wrong with a file that has another SHA-256.
func ReadFile(path, sum, identities string) (*Transcript, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	hash := sha256.New()
	hashed := io.TeeReader(f, hash)
	in := bufio.NewReader(hashed)
	var t *Transcript
	if isEncrypted(in) {
		t, err = readEncrypted(in, identities)
	} else {
		t, err = Read(in)
	}
	if _, copyErr := io.Copy(io.Discard, hashed); copyErr != nil {
		return nil, fmt.Errorf("read %s: %w", path, copyErr)
	}
	if hex.EncodeToString(hash.Sum(nil)) != sum {
		err = ErrOtherFile
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return t, nil
}
