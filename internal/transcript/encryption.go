package transcript

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"
)

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
