// Package oauth2 has what a generated client uses of the module of this name: npm and Debian do not bring it.
package oauth2

import "net/http"

// Token and TokenSource are only named by the generated client.
type Token struct{}

func (Token) SetAuthHeader(*http.Request) {}

type TokenSource interface{ Token() (*Token, error) }
