package transcript

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

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

// ageHeader begins each file that age encrypted.
const ageHeader = "age-encryption.org/"

// CheckRecipient returns an error unless a text is a public key of age (age1…).
func CheckRecipient(text string) error {
	_, err := parseRecipient(text)
	return err
}

func parseRecipient(text string) (age.Recipient, error) {
	if strings.HasPrefix(text, "AGE-SECRET-KEY-") {
		return nil, errors.New("this is the secret key: give the public one, which begins with age1") // no error quotes it
	}
	list, err := age.ParseRecipients(strings.NewReader(text))
	if err != nil || len(list) != 1 {
		return nil, fmt.Errorf("%q is no public key of age: age-keygen prints one, which begins with age1", text)
	}
	return list[0], nil
}

func (t *Transcript) writeEncrypted(w io.Writer, recipient string) error {
	to, err := parseRecipient(recipient)
	if err != nil {
		return err
	}
	sealed, err := age.Encrypt(w, to)
	if err != nil {
		return err
	}
	if err := t.Write(sealed); err != nil {
		return err
	}
	return sealed.Close()
}

func isEncrypted(in *bufio.Reader) bool {
	head, _ := in.Peek(len(ageHeader)) // a shorter file is none
	return bytes.Equal(head, []byte(ageHeader))
}

func readEncrypted(in io.Reader, identities string) (*Transcript, error) {
	if identities == "" {
		return nil, errors.New("the transcript is encrypted: name the file with the secret key")
	}
	f, err := os.Open(identities)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	keys, err := age.ParseIdentities(f)
	if err != nil {
		return nil, fmt.Errorf("%s has no secret key of age", identities) // the library's error may quote a line
	}
	plain, err := age.Decrypt(in, keys...)
	if err != nil {
		return nil, fmt.Errorf("decrypt it with %s: %w", identities, err)
	}
	return Read(plain)
}
