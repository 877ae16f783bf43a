// Package optional has what a generated client uses of the module of this name: npm and Debian do not bring it.
package optional

// Bool, Int32 and String may have no value.
type (
	Bool   struct{ value *bool }
	Int32  struct{ value *int32 }
	String struct{ value *string }
)

func NewBool(value bool) Bool       { return Bool{&value} }
func NewInt32(value int32) Int32    { return Int32{&value} }
func NewString(value string) String { return String{&value} }

func (o Bool) IsSet() bool   { return o.value != nil }
func (o Int32) IsSet() bool  { return o.value != nil }
func (o String) IsSet() bool { return o.value != nil }

func (o Bool) Value() bool     { return *o.value }
func (o Int32) Value() int32   { return *o.value }
func (o String) Value() string { return *o.value }
