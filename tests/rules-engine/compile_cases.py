"""Rulesets for record_compile.py: what a person might write, and what nobody should.

Three kinds: handwritten ones that name a construct, a limit or a message; one expression each in the
condition of an allow; and mutations of two valid files, from a fixed seed, for the many ways to break syntax.
"""
import random
import re

V = "rules_version = '2';\n"


def S(body, version=V):
    return version + "service cloud.firestore {\n" + body + "\n}\n"


def M(body, version=V):
    return S(" match /databases/{d}/documents {\n" + body + "\n }", version)


def C(condition):
    return M("  match /t/{id} {\n   allow read: if " + condition + ";\n  }")


def F(functions, call='f()'):
    return M("  match /t/{id} {\n   " + functions + "\n   allow read: if " + call + ";\n  }")


cases = {}


def add(name, rules):
    assert name not in cases or cases[name] == rules, name
    cases[name] = rules


# ---- syntax of expressions ----
for c in ['true','1','"abc"','','(true','(1 + )','foo(1,,2)','a b','"\\d"',"x == 'it’s'",'1e3','007','4/2','&x','true & false','#','a === b','++a','a++','(a++)','(++a)','[1,2','{a:1','get(/a/b).data.x(','a ? b','a ? b :','-!a','--1','!','a is','a is 5','a is foo','a[','a[]','a[1:2:3]','a.','a.5','a.rules_version','é','"é" == é','a.b(c d)','-a.b(c d)','x[1 2]', '/a/$(x)b','/a/x$(y)','/a/','/a//b','/{x=*}','/{x','/$','(a b) c d) e']:
    add('C ' + c, C(c))

# ---- constructs and limits ----
add('lexerr separate lines', M("  match /t/{id} {\n   allow read: if # true;\n   allow write: if foo bar;\n  }"))
add('lexerr then ok', M("  match /t/{id} {\n   allow read: if true #;\n   allow write: if true;\n  }"))
add('lexerr after parse err', M("  match /t/{id} {\n   allow read: if a b;\n   allow write: if true #;\n  }"))
add('lexerr mid', C('a # b'))
add('lexerr mid2', C('a && # b'))
add('lexerr mid3', C('a # && b'))
add('lexerr two', C('a # && # b'))
add('lexerr in comment ok', C('a /* # */'))
add('syntax + unused function', F("function f() { return 1; }",'a b'))
add('syntax + sem error', F("function f() { return 1; } function f() { return 2; }",'a b'))
add('empty',''); add('ws','  \n'); add('comment','// x\n'); add('lexerr only','#')
add('no service','rules_version = \'2\';')
add('version 3',"rules_version = '3';\nservice cloud.firestore { match /a/{b} { allow read; } }")
add('version 3 ml',"rules_version =\n  '3'\n;\nservice cloud.firestore { match /a/{b} { allow read; } }")
add('version 3+errors',"rules_version = '3';\nservice cloud.firestore { match /a/{b} { allow read: if foo; allow write if x;} }")
add('version 1',"rules_version = '1';\nservice cloud.firestore { match /a/{b} { allow read; } }")
add('version none',"service cloud.firestore { match /a/{b} { allow read: if foo; } }")
add('version none+err',"service cloud.firestore { match /a/{b} { allow read: if foo bar; } }")
add('version none+semerr',"service cloud.firestore { match /a/{b} { allow read: if 1 is foo; } }")
add('version nosemi',"rules_version = '2'\nservice cloud.firestore { match /a/{b} { allow read; } }")
add('version dq','rules_version = "2";\nservice cloud.firestore { match /a/{b} { allow read; } }')
add('import',"rules_version = '2';\nimport 'foo';\nservice cloud.firestore { match /a/{b} { allow read; } }")
add('import as',"rules_version = '2';\nimport 'foo' as bar;\nimport \"x\" as y ;\nservice cloud.firestore { match /a/{b} { allow read; } }")
add('import x',"rules_version = '2';\nimport 'foo' is bar;\nservice cloud.firestore { match /a/{b} { allow read; } }")
add('import no semi',"rules_version = '2';\nimport 'foo'\nservice cloud.firestore { match /a/{b} { allow read; } }")
add('import id',"rules_version = '2';\nimport foo;\nservice cloud.firestore { match /a/{b} { allow read; } }")
add('dup service', V+"service cloud.firestore { match /a/{b} { allow read; } }\nservice cloud.firestore { match /a/{c} { allow read; } }")
add('two services', V+"service cloud.firestore { match /a/{b} { allow read; } }\nservice firebase.storage { match /a/{c} { allow read; } }")
add('other service', V+"service foo.bar { match /a/{b} { allow read: if request.auth != null; } }")
add('storage', V+"service firebase.storage { match /a/{b} { allow read: if request.auth != null && resource.name == 'x'; } }")
add('only function', V+"function f() { return true; }")
add('kw service', V+"service allow { match /a/{b} { allow read; } }")
add('empty service', S(''))
add('empty match', S('match /a/{b} { }'))
add('allow in service', S('allow read;'))
add('fn nobody', F('function f() { }'))
add('fn nosig', F('function f { return true; }'))
add('fn noid', F('function () { return true; }'))
add('fn extra)', F('function f(a)) { return true; }','f(1)'))
add('param trailing', F('function f(a,) { return true; }','f(1)'))
add('no op', M('  match /t/{id} {\n allow ;\n }'))
add('no op2', M('  match /t/{id} {\n allow : if true;\n }'))
add('op trailing', M('  match /t/{id} {\n allow read, : if true;\n }'))
add('no colon', M('  match /t/{id} {\n allow read if true;\n }'))
add('no if', M('  match /t/{id} {\n allow read: true;\n }'))
add('extra brace path', M('  match /t/{id}} {\n allow read: if true;\n }'))
add('extra brace glob', M('  match /t/{id=**}} {\n allow read: if true;\n }'))
add('extra brace star', M('  match /t/{id=*}} {\n allow read: if true;\n }'))
add('slash end', M('  match /t/ {\n allow read: if true;\n }'))
add('no match kw', M('  /t/{id} {\n allow read: if true;\n }'))
add('no match kw empty', M('  /t/{id} { }'))
add('missing rbrace', M("  match /t/{id} {\n   allow read;\n  "))
add('missing 2 rbrace', V+"service cloud.firestore {\n match /t/{id} {\n   allow read;\n  ")
add('extra rbrace', M("  match /t/{id} {\n   allow read;\n  }}"))
add('extra rbrace2', M("  match /t/{id} {\n   allow read;\n  }}}"))
add('int big', C('9223372036854775808 == 1'))
add('int neg big', C('-9223372036854775808 == 1'))
add('int neg bigger', C('-9223372036854775809 == 1'))
add('int paren', C('-(9223372036854775808) == 1'))
add('float big', C('1'+'0'*400+'.0 == 1'))
add('bytes u', C("b'\\u0041' == b'x'"))
add('bytes u2', C("b'\\u0041\\u0042' == b\"\\u1234\""))
add('regex', C("'a'.matches('(')"))
add('regex2', C("id.matches('(') && id.replace('[', 'x') == 'a' && id.split('*') == []"))
add('regex3', C("id.matches('(' + 'a')"))
add('is type', C("id is foo || id is null"))
add('fn dup', F('function f() { return true; } function f(a) { return true; }'))
add('fn dup3', F('function f() { return true; } function f(a) { return a; } function f() { return false; }'))
add('fn dup scopes', S('function f() { return true; } match /a/{b} { function f() { return true; } allow read: if f(); }'))
add('param dup', F('function f(a, a) { return true; }','f(1,2)'))
add('param dup used', F('function f(a, b, a, b) { return a && b; }','f(true,true,true,true)'))
add('let dup', F('function f(a) { let x = 1; let x = 2; return x == a; }','f(1)'))
add('let param', F('function f(a) { let a = 1; return a == 1; }','f(1)'))
add('let request', F('function f(a) { let request = 1; let id = 2; return request == a && id == 2; }','f(1)'))
add('let unused', F('function f(a) { let x = 1; let y = x; return true; }','f(1)'))
add('let forward', F('function f() { let x = y; let y = 2; return x; }'))
add('let self', F('function f() { let x = x; return x; }'))
add('recursive', F('function f() { return f(); }'))
add('recursive2', F('function f() { return true || f(); } function g() { return g() && f(); }', 'f() && g()'))
add('cycle', F('function f() { return g(); } function g() { return f(); }'))
add('cycle3', F('function f() { return g(); } function g() { return h(); } function h() { return f(); }'))
add('cycle unused', F('function f() { return g(); } function g() { return f(); }','true'))
add('cycle tail', F('function e() { return f(); } function f() { return g(); } function g() { return f(); }','e()'))
add('params 8', F('function f(a,b,c,d,e,g,h,i) { return a&&b&&c&&d&&e&&g&&h&&i; }','f(true,true,true,true,true,true,true,true)'))
add('lets 12', F('function f() { '+' '.join(f'let a{i} = {i};' for i in range(12))+' return '+' + '.join(f'a{i}' for i in range(12))+' == 0; }'))
add('lets 13', F('function f() { '+' '.join(f'let a{i} = {i};' for i in range(13))+' return '+' + '.join(f'a{i}' for i in range(13))+' == 0; }'))
for n in (19,20,21,22,23,25):
    add(f'depth {n}', F('\n'.join(f'function f{i}() {{ return f{i+1}(); }}' for i in range(n-1))+f'\nfunction f{n-1}() {{ return true; }}','f0()'))
def nest(n): return S(''.join(f'match /a{i}/{{b{i}}} {{\n' for i in range(n))+'allow read;\n'+'}\n'*n)
for n in (9,10,11,12,13): add(f'nest {n}', nest(n))
for n in (19,20,21,22): add(f'wild {n}', S('match '+''.join(f'/{{b{i}}}' for i in range(n))+' { allow read; }'))
add('wild nested 21', S('match '+''.join(f'/{{b{i}}}' for i in range(15))+' { match '+''.join(f'/{{c{i}}}' for i in range(6))+' { allow read; } match '+''.join(f'/{{d{i}}}' for i in range(7))+' { allow read; } }'))
for n in (99,100,101,102): add(f'path {n}', S('match '+''.join(f'/b{i}' for i in range(n))+' { allow read; }'))
add('path nested', S('match '+''.join(f'/b{i}' for i in range(60))+' { match '+''.join(f'/b{i}' for i in range(50))+' { allow read; } }'))
for n in (97,98,99,100,101,103): 
    add(f'and {n}', C(' && '.join(['true']*n)))
    add(f'paren {n}', C('('*n+'true'+')'*n))
add('chain 101', C('resource'+'.a'*101))
add('not 101', C('!'*101+'true'))
add('list 101', C('['*100+']'*100+' == 1'))
add('tern 60', C(' '.join(['true ? false :']*60)+' true'))
add('wild dup', S('match /a/{b}/c/{b} { allow read; }'))
add('wild dup3', S('match /a/{b}/c/{b}/{d}/{b=**} { allow read; }'))
add('wild dup nested', S('match /a/{b} { match /c/{b} { allow read: if b == 1; } }'))
add('glob2', S('match /a/{b=**}/c/{d=**} { allow read; }'))
add('glob2 nested', S('match /a/{b=**} { match /c/{d=**} { allow read; } }'))
add('glob mid v1', "service cloud.firestore { match /a/{b=**}/c { allow read; } }")
add('glob2 v1', "service cloud.firestore { match /a/{b=**}/c/{d=**} { allow read; } }")
add('glob nested v1', "service cloud.firestore { match /a/{b=**} { match /c/{d} { allow read; } } }")
add('glob nested2 v1', "service cloud.firestore { match /a/{b=**} { match /c/{d=**} { allow read; } } }")
add('glob expr', C("get(/a/{b=**}/c/{d}/$(id)).data.x"))
add('glob expr2', C("get(/a/{b=**}/{c=**}).data.x && get(/{x}/{x}/{id}).y"))
add('pkg var', C("math == 1 && duration.foo == 2"))
add('pkg param', F('function f(math, latlng) { return true; }','f(1,2)'))
add('pkg let', F('function f() { let math = 1; return math == 1; }'))
add('pkg wild', S('match /a/{math}/{hashing} { allow read: if math == "a"; }'))
add('pkg fn', F('function math() { return true; }','math()'))
add('pkg call', C('math() && timestamp(1)'))
add('pkgs', C('a.b.math(1) && math.foo(1) && math.abs() && math.abs(1,2) && math.abs("x") && math.abs && timestamp.date(1) && x.abs(1)'))

# ---- which errors hide which, types ----
U="  function uu(zz) { return nope; }\n"
# phases: each error together with warnings and each other
def P(x): return M(U+"  match /t/{id} {\n   "+x+"\n  }", '')
add('P int', P("allow read: if 9223372036854775808 == 1;"))
add('P bytes', P("allow read: if b'\\u0041' == 1;"))
add('P pkg', P("allow read: if math == 1;"))
add('P regex', P("allow read: if 'a'.matches('(');"))
add('P import', "import 'a';\n"+P("allow read: if 1;"))
add('P version', "rules_version='3';\n"+P("allow read: if 1;"))
add('P dupservice', P("allow read: if 1;")+P("allow read;"))
add('P complex', P("allow read: if "+'('*100+'x'+')'*100+";"))
add('P recursive', P("function f() { return f(); } allow read: if 1;"))
add('P cycle', P("function f() { return g(); } function g() { return f(); } allow read: if 1;"))
add('P params', P("function f(a,b,c,d,e,g,h,i) { return 1; } allow read: if 1;"))
add('P lets', P('function f() { '+' '.join(f'let a{i} = {i};' for i in range(12))+' return 1; } allow read: if 1;'))
add('P depth', P('\n'.join(f'function f{i}() {{ return f{i+1}(); }}' for i in range(22))+f'\nfunction f22() {{ return true; }} allow read: if f0();'))
add('P nest', P(''.join(f'match /a{i}/{{b{i}}} {{\n' for i in range(12))+'allow read: if 1;\n'+'}\n'*12))
add('P wild', P('match '+''.join(f'/{{b{i}}}' for i in range(22))+' { allow read: if 1; }'))
add('P path', P('match '+''.join(f'/b{i}' for i in range(102))+' { allow read: if 1; }'))
add('P wilddup', P('match /a/{b}/c/{b} { allow read: if 1; }'))
add('P glob2', P('match /a/{b=**}/c/{e=**} { allow read: if 1; }'))
add('P globnest', V+P('match /a/{b=**} { match /c/{e=**} { allow read: if 1; } }'))
add('P fn dup', P('function f() { return 1; } function f() { return 1; } allow read: if 1;'))
add('P param dup', P('function f(a,a) { return 1; } allow read: if 1;'))
add('P let dup', P('function f(a) { let a = 1; let a = 2; return 1; } allow read: if 1;'))
add('P let unused dup', P('function f(a) { let a = 1; let a = 2; return 1; } allow read: if f(1);'))
add('two errors', P("function f() { return f(); } function f() { return 1; } allow read: if 9223372036854775808 == math; allow write: if 'a'.matches('(');"))
add('two errors b', P("function f() { return f(); } function f() { return 1; } allow read: if 'a'.matches('('); match /a/{b}/c/{b} { allow read; }"))
add('two errors c', P("function f(a,a) { return 1; } allow read: if 1 is foo; match /a/{b}/c/{b} { allow read; }"))
# semantic warnings
for c in ['nope','nope.x','nope()','nope(nope2)','id.nope()','id.nope','math.nope(1)','nope.foo(1)','a.b(1)','request.nope','resource.nope','request.auth.nope()','request == 1','1 == "a"','1 == 1.0','1 == null','"a" == null','[1] == 1','{} == []','true == 1','id == 1','id == "a"','id == null','d == 1','resource == 1','resource == null','resource.data == 1','resource.data.x == 1','request.time == 1','request.auth == 1','request.auth.uid == 1','request.auth.token == 1','request.method == 1','request.path == 1','request.path == "a"','request.resource == 1','request.resource.data == 1','resource.id == 1','resource.__name__ == "a"','1 != "a"','1 < "a"','true < false','1 + "a" == 1','-"a" == 1','!1','!"a"','1 && true','true && 1','id && true','id || true','id','id ? true : false','true ? 1 : true','true ? 1 : 2','true ? "a" : 1','1 ? true : false','1 in [1]','1 in 1','1 in "a"','1 in {}','"a" in {}','id in 1','1 is int','id is int','id is string','1 is string','"abc"[0] == "a"','"abc"[0:1] == "a"','id[0] == 1','1[0] == 1','{}["a"] == 1','{}[1] == 1','[1]["a"] == 1','[1][0] == 1','1.x == 1','"a".x == 1','[].x == 1','id.x == 1','"a".size() == 1','"a".keys() == 1','1.0.size() == 1','id.keys() == 1','id.size() == 1','id.size() == "a"','[1].hasAny(1)','[1].hasAny([1])','[1].hasAll([1]) == 1','{}.keys() == 1','{}.get("a") == 1','{}.get("a", 1) == 1','id.matches("a")','id.matches(1)','id.lower() == 1','id.size(1) == 1','get(1)','get(/a/b)','get("a")','exists(/a/b)','exists(/a/b) == 1','get(/a/b).data == 1','get(/a/b).x','exists(1)','exists()','exists(/a/b,/a/c)','getAfter(/a/b).data.x','existsAfter(/a/b)','debug(1)','debug(true)','debug(true,1)','int(1) == "a"','int("1") == 1','string(1) == 1','float(1) == 1','path("a") == 1','path(1) == 1','int()','int(1,2) == 1','bool(1)','timestamp.date(1,2,3) == 1','timestamp.date(1) == 1','timestamp.value(1) == request.time','duration.value(1,"s") == 1','duration.value(1,"x") == duration.value(1,"us")','latlng.value(1,2) == 1','math.abs(1) == "a"','math.abs("a") == 1','math.sqrt(1) == "a"','hashing.md5("a") == "a"','request.time + duration.value(1,"s") == 1','request.time > 1','request.time.year() == "a"','/a/b == "a"','/a/$(id) == 1','/a/$(nope) == 1','[nope] == 1','{"a": nope} == 1','{nope: 1} == 1','{1: 1} == {}','null','null == null','b"a" == "a"','b"a"','1.5','[]','{}','/a/b','request.time','request','resource','resource.data','resource.data.x','id == 1 && id == "a"','id.size() == 1 && id.year() == 1','id is int && id.size() == 1','id > 1 && id.size() > 1','id + 1 == 1','id + "a" == 1','d + id == id','id in id','id in resource.data','resource.data.keys() == 1','resource.data.keys().hasAny(1)','resource.data.x.hasAny([1])','resource.data.diff(1) == 1','resource.data.diff(resource.data).affectedKeys() == 1','resource.data.diff(resource.data).nope() == 1','request.query.limit == "a"','request.query.limit <= 10','request.writeFields == 1','request.foo.bar()','(1)','((nope))','true || nope','1 == 2 == 3','1 in [1] == true','!id in resource.data']:
    add('C '+c, C(c))
# functions
add('unused f', F('function f() { return true; }','true'))
add('unused f ctx', F('function f(a) { let b = resource.data.x; return request.auth.uid == get(/a/b).data.x && id == d && nope() && exists(/a/$(id)); }','true'))
add('unused f2 from unused', F('function f() { return g(); } function g() { return request.x; }','true'))
add('unused file', V+'function f() { return request.x && resource.y && get(/a/b).z && id; }\nservice cloud.firestore { match /a/{id} { allow read; } }')
add('used file', V+'function f() { return request.x && resource.y && get(/a/b).z && id; }\nservice cloud.firestore { match /a/{id} { allow read: if f(); } }')
add('used file after', V+'service cloud.firestore { match /a/{id} { allow read: if f(); } }\nfunction f() { return exists(/a/b); }')
add('used twice', F('function f(a) { return nope == a; }','f(1) && f(2)'))
add('wrong arity', F('function f(a) { return a; }','f() && f(1,2) && f(1)'))
add('wrong arity nested', F('function f(a) { return a; } function g(b) { return f(b, nope); }','g()'))
add('caller wild', M('  function f() { return id == "a"; }\n  match /t/{id} { allow read: if f(); }'))
add('service wild', S(' function f() { return d == "a"; } match /databases/{d}/documents { match /t/{id} { allow read: if f(); } }'))
add('sibling', M('  match /t/{id} { function f() { return true; } allow read: if f(); } match /u/{id} { allow read: if f(); }'))
add('fn ret int', F('function f() { return 1; }'))
add('fn ret int cmp', F('function f() { return 1; }','f() == "a"'))
add('fn arg type', F('function f(a) { return a == "a"; }','f(1)'))
add('fn arg type2', F('function f(a) { return a.size() > 1; }','f(1)'))
add('let type', F('function f() { let a = 1; return a; }'))
add('let cmp', F('function f() { let a = 1; return a == "a"; }'))
add('let unused used', F('function f() { let a = 1; let b = a; return true; }'))
add('shadow builtin', F('function get(a) { return a == 1; } function exists() { return true; }','get(1) && exists()'))
add('shadow pkgfn', F('function abs(a) { return a == 1; }','abs(1) && math.abs(1) == 1'))
add('param shadow', F('function f(request, id) { return request.x == id; }','f(1, 2)'))
add('multi allow', M("  match /t/{id} { allow read, nope, write, nope2: if id == 1 ; allow read, read; allow foo; }"))
add('nopos', M("  match /t/{id} { allow read: if nope; allow write: if nope; match /x/{y} { allow read: if nope; } }"))
add('collection', M("  match /t { allow read; }"))
add('crlf', F('function f() { return nope; }').replace('\n','\r\n'))
add('utf16', C('"日本𝄞" == nope && "é" == nope2'))
add('tabs', M("\tmatch /t/{id} {\t\tallow read: if\tnope; }"))
add('multiline', C('nope\n  && (\n nope2 || nope3)\n && nope4(\n nope5)'))
add('storage fns', V+"service firebase.storage { match /b/{bucket}/o { match /{x=**} { allow read: if firestore.get(/a/b).data.x && resource.size < 10 && get(/a/b); } } }")

# ---- further: depth, call graphs, types of variables ----
B="allow write: if a b;"
def Q(x): return M("  match /t/{id} {\n   "+x+"\n  }")
# phase B errors + syntax error
for n,x in [('int','allow read: if 9223372036854775808 == 1;'),('bytes',"allow read: if b'\\u0041' == 1;"),('pkg','allow read: if math == 1;'),('wild','match /a/{b}/{b} { allow read; }'),('glob','match /a/{b=**}/{c=**} { allow read; }'),('complex','allow read: if '+'!'*101+'true;'),('is','allow read: if 1 is foo;'),('pathdup','allow read: if get(/a/{b}/{b});')]:
    add('AB '+n, Q(x+B))
add('AB import', "import 'a';\n"+Q(B)); add('AB import2', "import 'a' bs c;\n"+Q('')); add('AB version',"rules_version='3' "+Q(B))
add('AB dup',Q('allow read;')+S("match /a/{b} { "+B+"}"))
# B + B with warnings; version3 + others
for n,x in [('int','allow read: if 9223372036854775808 == 1;'),('is','allow read: if 1 is foo;')]:
    add('B2 '+n, "rules_version='3';\n"+M("  match /t/{id} {\n   "+x+"\n  }",''))
    add('B3 '+n, "import 'a';import 'b';"+M("  match /t/{id} {\n   "+x+"\n  }",''))
# let limit positions; let depth
add('lets 14', F('function f() { '+' '.join(f'let a{i} = {i};' for i in range(14))+' return true; }'))
add('lets 20', F('function f() { '+' '.join(f'let a{i} = nope{i};' for i in range(20))+' return '+' + '.join(f'a{i}' for i in range(20))+' == 0; }'))
add('lets paren', F('function f() { '+' '.join(f'let a{i} = {i};' for i in range(12))+' return (true); }'))
add('let deep', F('function f() { let a = '+'!'*98+'true; let b = '+'!'*97+'true; let c = '+'!'*99+'true; return a && b && c; }'))
add('let deep2', F('function f() { '+' '.join(f'let a{i} = '+'!'*(97-i)+'true;' for i in range(5))+' return '+'!'*95+'true && a0 && a1 && a2 && a3 && a4; }'))
add('ret deep', F('function f() { return '+'!'*99+'true; }'))
add('ret deep2', F('function f() { let a = 1; return '+'!'*98+'true; }'))
add('ret deep3', F('function f() { let a = 1; let b = 2; return '+'!'*97+'true; }'))
# depth counting
D=97
for n,x in [('paren member','('*97+'id'+').x'+')'*96),('index','id['*97+'1'+']'*97+' == 1'),('index1','id['*98+'1'+']'*98+' == 1'),('index2','id['*99+'1'+']'*99+' == 1'),('call','f('*97+'1'+')'*97+' == 1'),('call1','f('*98+'1'+')'*98+' == 1'),('method','id.f('*97+'1'+')'*97+' == 1'),('method1','id.f('*98+'1'+')'*98+' == 1'),('path','/a/$('*97+'1'+')'*97+' == 1'),('path1','/a/$('*98+'1'+')'*98+' == 1'),('map','{"a":'*97+'1'+'}'*97+' == 1'),('map1','{"a":'*98+'1'+'}'*98+' == 1'),('neg','(-'*97+'1'+')'*97+' == 1'),('neg1','(-'*98+'1'+')'*98+' == 1'),('negp','-('*49+'1'+')'*49+' == 1'),('is',' is bool'.join(['true']+['']*98)),('is1',' is bool'.join(['true']+['']*99)),('is2',' is bool'.join(['true']+['']*100)),('in',' in '.join(['[]']*99)),('in2',' in '.join(['[]']*100)),('tern',' ? true : '.join(['true']*98)),('tern1',' ? true : '.join(['true']*99)),('tern2',' ? true : '.join(['true']*100)),('tern3',' ? true : '.join(['true']*101)),('slice','id[:'*98+'1'+']'*98+' == 1')]:
    add('D '+n, C(x))
# call graph
add('cg1', F('function a() { return b() && c(); } function b() { return d(); } function c() { return d(); } function d() { return true; }','a()'))
add('cg cyc two', F('function a() { return b() || c(); } function b() { return a(); } function c() { return a(); }','a()'))
add('cg cyc two b', F('function c() { return a(); } function b() { return a(); } function a() { return b() || c(); }','a()'))
add('cg cyc 4', F('function a() { return b(); } function b() { return c(); } function c() { return d() && b(); } function d() { return a(); }','a()'))
add('cg self+cyc', F('function a() { return a() && b(); } function b() { return a(); }','a()'))
add('cg scopes', S('function f() { return g(); } function g() { return true; } match /a/{b} { function g() { return f(); } allow read: if g(); }'))
add('cg in let', F('function f() { let a = f(); return a; }'))
add('cg in arg', F('function f(a) { return g(f(a)); } function g(a) { return a; }','f(1)'))
for n in (22,24): add(f'cg unused chain {n}', F('\n'.join(f'function f{i}() {{ return f{i+1}(); }}' for i in range(n-1))+f'\nfunction f{n-1}() {{ return true; }}','true'))
add('cg rev chain', F('\n'.join(f'function f{i}() {{ return f{i+1}(); }}' for i in reversed(range(23)))+f'\nfunction f23() {{ return true; }}','f0()'))
add('cg mid', F('\n'.join(f'function f{i}() {{ return f{i+1}(); }}' for i in range(23))+f'\nfunction f23() {{ return true; }}','f3() && f1()'))
# A diamond of 23 functions that call the next one twice keeps the emulator busy for ever: not recorded.
add('cg two deep', F('\n'.join(f'function f{i}() {{ return f{i+1}(); }}' for i in range(23))+f'\nfunction f23() {{ return true; }} function g() {{ return f1(); }}','g() && f0()'))
# nest of 14, siblings
add('nest sib', S('match /x/{y} {'*11+'match /a/{b} { allow read; } match /c/{d} { match /e/{f} { allow read; } }'+'}'*11))
# arguments / variables analysis
add('var types', F('function f(a) { return a.size() > 1 && a.year() == 1; }','f(1)'))
add('var types2', F('function f(a) { return a.x == 1 && a.matches("a"); }','f(id)'))
add('var types3', F('function f(a, b) { return !a && b[0] == 1 && -b == 1 && a in b; }','f(1, 2)'))
add('var types4', F('function f(a) { return g(a); } function g(b) { return b.keys().size() > 0; }','f(1)'))
add('var types5', F('function g(b) { return b.keys().size() > 0; } function f(a) { return g(a); }','f(1)'))
add('var types6', F('function g(b) { return get(b); } function f(a) { return exists(a); }','f(1) && g(2)'))
add('var types7', F('function f(a) { return a; }','f(1) + 1 == "a"'))
add('ret types', F('function f(a) { return a.size(); } function g() { return f("a"); } function h(a) { return a ? 1 : "a"; }','f("a") == "a" && g() == "a" && h(1) == true'))
add('ret types2', F('function f() { return 1 + 1; } function g() { return f() + f(); } function h() { return [1]; } function i() { return "a" + "b"; } function j() { return f() == 1;}','f() == "a" && g() == "a" && h() == "a" && i() == 1 && j() == 1'))
add('ret types3', F('function f() { return 1; } function g() { return f(); }','f() && g() && !f() && !g() && f().x == 1 && g().x'))
add('let types', F('function f(a) { let b = a; let c = b.x; return b.size() == c; }','f(1)'))
add('let types2', F('function f() { let b = 1; return b.size() > 0 && b; }','f()'))
add('let types3', F('function f() { let b = id; return b.year() > 0 && b; }','f()'))
for c in ['1 + 1 == "a"','1 + 1','1 - 1 == "a"','1 * 2 == "a"','1 / 2 == "a"','1 % 2 == "a"','"a" + "b" == 1','"a" + "b"','-1 == "a"','-1','-id == 1','1 < 2 == 1','(1 < 2) == 1','(true && false) == 1','!true == 1','(1 in [1]) == 1','(1 is int) == 1','[1][0] == "a"','[1][0:1] == 1','"a"[0] == 1','"a"[0:1] == 1','{"a":1}["a"] == "b"','{"a":1}.a == "b"','(true ? 1 : 2) == "a"','(true ? 1 : "a") == true','(id == "a" ? 1 : 2) == "a"','/a/b[0] == 1','/a/b[0:1] == 1','id[0:1] == 1','1[0:1] == 1','{}[0:1] == 1','"a" - 1 == 1','true + 1 == 1','null + 1 == 1','[] + 1 == 1','[] < 1','null < 1','{} < 1','true < 1','/a/b < 1','"a" * 2 == 1','1 + id == 1','duration.value(1,"s") + 1 == 1','request.time - request.time == 1','[1] in [1]','1 in {"a":1}','1 in [1].toSet()','1 in null','1 in true','1 in /a/b','id.split(",") == 1','id.replace("a","b") == 1','id.upper() == 1','id.trim() == 1','id.toUtf8() == 1','b"a".toBase64() == 1','b"a".toHexString() == 1','b"a".size() == "a"','[].toSet() == 1','[].toSet() == []','[].concat([]) == 1','[].removeAll([]) == 1','[].join(",") == 1','[].join(1) == "a"','[].concat(1) == []','[].toSet().union([]) == 1','[].toSet().union([].toSet()) == 1','[].toSet().hasAny([1])','[].toSet().hasAny(1)','[].hasOnly("a")','{}.values() == 1','{}.diff({}) == 1','{}.diff({}).addedKeys() == 1','{}.diff({}).addedKeys().hasAny([])','/a/b.bind({}) == 1','/a/b.bind(1) == /a','(/a/b).bind({}) == 1','(/a/b).bind(1) == 1','request.time.date() == 1','request.time.time() == 1','request.time.toMillis() == "a"','timestamp.value(1).year() == "a"','duration.value(1,"s").seconds() == "a"','duration.value(1,"s").nanos() == "a"','duration.abs(1) == 1','duration.abs(duration.value(1,"s")) == 1','duration.time(1,2,3,4) == 1','duration.time(1,2,3) == 1','duration.value("a","s") == duration.value(1,1)','duration.value(1.0,"s") == duration.value(1)','latlng.value(1,2).latitude() == "a"','latlng.value("a",2).distance(1) == "a"','latlng.value(1,2).distance(latlng.value(1,2)) == "a"','math.ceil(1.5) == "a"','math.floor(1) == "a"','math.round(1.5) == "a"','math.pow(1,2) == "a"','math.pow("a",2) == 1','math.isNaN(1)','math.isNaN("a")','math.isNaN(1) == 1','math.isInfinite(1)','hashing.md5(1) == "a"','hashing.sha256(b"a") == 1','hashing.crc32("a") == 1','hashing.crc32c("a") == 1','timestamp.date("a",1,1) == timestamp.value(1)','timestamp.value("a") == timestamp.value(1.5)','int(null) == 1','int(true) == 1','float(true) == 1.0','string([]) == "a"','string({}) == "a"','string(/a/b) == "a"','path("a").size() == 1','path("/a") == /a','debug("a") == 1','debug("a").x == 1','get(/a/b) == 1','get(/a/b).x.y == 1','get(/a/b).size() == "a"','get(/a/b).data.keys().hasAny([1])','getAfter("a") == 1','existsAfter("a") == 1','get(id) == 1','exists(id)','id.size','id.size == 1','{}.size == 1','request.auth.token.x.matches(1)','request.auth.token.matches("a")','request.matches("a")','request.size()','request[0]','request["a"]','resource[0].x','request.time.x','request.time[0]','request.path[0]','request.path.x','request.path == /a/b','request.method == 1 || request.method.x == 1','nope == 1','nope == "a" || nope.x == 1','nope()','nope() == 1','id.nope() == 1','"a".nope() == 1','id == id','id != null','id != 1','null != 1','null != null','id in ["a"]','1 in ["a"]','true in [1]','id is foo2 == true','!(id in [1])','!request.x','!!true','!!1','1 || 2','(1 || 2) && 3','true ? (1 && 2) : 3','[1 && true] == []','[!1] == []','{"a": !1} == {}','{id: 1} == {}','{d: 1, 1: 2, null: 3} == {}','get(/a/$(1)).x','get(/a/$(!1)).x','/a/$(null) == /a/b','/a/$([]) == /a/b','/a/{x} == /a/b','id ? id : id','(id)','((1)) == ("a")','id[id] == 1','{}[id] == 1','[][id] == 1','[][null] == 1','"a"[true] == 1','/a/b[true] == 1','[][1:"a"] == 1','id[null:true] == 1','math.abs(id) == 1','math.abs(null) == 1','id.matches(id)','id.matches(d) && id.year() == 1','request.query.limit.x == 1','a.b.c.d','a().b','a[0]','a(b)(c)','id.x.y.z','1.0.x == 1','(1).x == 1','true.x == 1','null.x == 1','b"".x == 1','/a/b.x == 1','(/a/b).x == 1','(true && id) == 1']:
    add('C '+c, C(c))

# ---- mutations ----
BASES=["""rules_version = '2';
service cloud.firestore {
  function top(a, b) { let c = a.x; return c == b || a in [1, 2]; }
  match /databases/{database}/documents {
    match /users/{uid}/posts/{post=**} {
      allow read, list: if request.auth != null && request.auth.uid == uid;
      allow create: if top(resource.data, 'x') ? true : !(post is path);
      allow update
      allow delete: if get(/databases/$(database)/documents/u/$(uid)).data.n[0:2] == {'a': -1, "b": [1.5, null,]};
      function inner() { return exists(/a/{b}/c) && 4 / 2 % 3 * 1 - 1 >= 0; }
    }
  }
}
""","""service cloud.firestore {
  match /a/{b} { allow get: if true; match /c/{d=*} { allow write: if f(b, d).size() > 1 && m['k'].v.matches('a+') } }
}
function f(x, y) { return x }
"""]
TOK=re.compile(r"""\s+|//[^\n]*|"[^"\n]*"|'[^'\n]*'|[A-Za-z_$][\w$]*|\d+(?:\.\d*)?|/[\w\-.~]+|\*\*|&&|\|\||[=!<>]=|\+\+|--|.""",re.S)
EXTRA="allow match service function return let if true false null in is import rules_version x 1 1.5 'a' \"b\" ( ) [ ] { } , ; : . / /x /{y} /$( ** * + - -- ++ ! = == != < && || ? $ @ % # & | \\ é ' \" deny package get read b'x' 007 4/2 === /* // */ }} )) <EOF>".split(' ')
def mutate(r,src,n):
    t=TOK.findall(src)
    for _ in range(n):
        idx=[i for i,x in enumerate(t) if x.strip()]
        if not idx: break
        i=r.choice(idx); k=r.randrange(6)
        if k==0: t[i]=''
        elif k==1: t.insert(i,r.choice(EXTRA)+r.choice(['',' ']))
        elif k==2: t[i]=r.choice(EXTRA)
        elif k==3: t.insert(i,t[r.choice(idx)])
        elif k==4:
            j=r.choice(idx); t[i],t[j]=t[j],t[i]
        else: t=t[:i] if r.random()<.3 else t[:i]+t[i+1:]
        t=[x for x in t if x]
    return ''.join(x for x in t if x!='<EOF>')
def gen(seed,n):
    r=random.Random(seed); out=[]
    while len(out)<n:
        out.append(mutate(r,r.choice(BASES),r.choice([1,1,1,2,3])))
    return out

for i, rules in enumerate(gen(20240601, 700)):
    add('mutation %d' % i, rules)

# ---- expressions of random types ----
ATOMS=["1","1.5","'a'",'b"x"',"true","null","[]","[1]","{}","{'k': 1}","/a/b","/a/$(id)","id","d","request.time","request.auth.uid","resource.data.x","resource.data","p0","p1","l0","glob","math.abs(1)","timestamp.value(1)","duration.value(1, 's')","latlng.value(1, 2)","get(/a/b)","[1].toSet()","{}.diff({})"]
METH=["size()","lower()","keys()","values()","toSet()","hasAny([1])","hasAll('a')","matches('a')","matches(1)","split(',')","replace('a','b')","join(',')","get('a', 1)","get('a')","diff({})","affectedKeys()","union([].toSet())","year()","date()","time()","toMillis()","seconds()","latitude()","distance(latlng.value(1,2))","toBase64()","toUtf8()","bind({})","concat([1])","removeAll(1)","difference(1)","nope()","size(1)"]
BIN=["+","-","*","/ ","%","<","<=",">",">=","==","!=","in","&&","||"]
FN=["g(%s)","h(%s, %s)","k()","int(%s)","string(%s)","path(%s)","debug(%s)","exists(%s)","float(%s)","math.abs(%s)","math.ceil(%s)","hashing.md5(%s)","timestamp.value(%s)","duration.value(%s, %s)","math.pow(%s, %s)","duration.abs(%s)","math.round(%s)","timestamp.date(%s,%s,1)","latlng.value(%s,%s)"]
def expression(r, d):
    if d<=0: return r.choice(ATOMS)
    k=r.randrange(12)
    if k<2: return r.choice(ATOMS)
    if k<5: return expression(r,d-1)+" "+r.choice(BIN)+" "+expression(r,d-1)
    if k==5: return expression(r,0)+"."+r.choice(METH)
    if k==6: return "("+expression(r,d-1)+")"+r.choice(["",""," == 1",".x","."+r.choice(METH),"["+expression(r,0)+"]","["+expression(r,0)+":"+expression(r,0)+"]"])
    if k==7: return "!"+"("+expression(r,d-1)+")" if r.random()<.5 else "-"+r.choice(ATOMS)
    if k==8: return "("+expression(r,d-1)+" ? "+expression(r,d-1)+" : "+expression(r,d-1)+")"
    if k==9:
        f=r.choice(FN); return f%tuple(expression(r,d-2) for _ in range(f.count('%s'))) if '%s' in f else f
    if k==10: return expression(r,0)+r.choice(["[0]","['a']","["+expression(r,0)+"]","[0:1]","["+expression(r,0)+":]"])
    return r.choice(["[%s]","{'a': %s}","(%s) is int","{%s: 1}"])%expression(r,d-1)
def one_types(r):
    return "rules_version = '2';\nservice cloud.firestore {\n match /databases/{d}/documents/{glob=**} {\n  function g(p0) { return "+expression(r,r.choice([0,1,2]))+"; }\n  function h(p0, p1) { let l0 = "+expression(r,r.choice([0,1]))+"; return "+expression(r,r.choice([1,2]))+"; }\n  function k() { return "+expression(r,1)+"; }\n  match /t/{id} {\n   allow read: if "+expression(r,3)+";\n   allow write: if "+expression(r,2)+" && g(1) && h("+expression(r,0)+", 2) && k();\n  }\n }\n}\n"
def gen_types(seed,n):
    r=random.Random(seed); return [one_types(r) for _ in range(n)]


for i, rules in enumerate(gen_types(5, 200)):
    add('types %d' % i, rules)

# What once was different, by seed and number.
for i in (112, 703, 919):
    add('mutation 77/%d' % i, gen(77, 1000)[i])
for i in (43, 115, 179, 228, 365, 540):
    add('types 99/%d' % i, gen_types(99, 700)[i])
add('types 321321/190', gen_types(321321, 500)[190])

# ---- what mutants of compile_mutants.py showed ----
# A slash that is no segment, and operands that could follow the path as well.
for c in ["/a/b / [1]", "/a/b / -1", "/a/b / -x.y", "/a/b / [1] == 2", "/a/b / [1,2]", "/a / []", "/a / [1,]", "/a / [1:2]",
          "/a / [[1,2]]", "/a / [f(1,2)]", "/a / [{}]", "/a / [1,2].size()", "/a / [/b / [1,2]]", "/a / [1 2]", "/a / [1",
          "/a / {x}", "/a / {x: 1}", "/a/b / .5", "/a/b / (1)", "/a/b / !x", "/a/b / ++x", "/a/b / ? 1 : 2", "/a/b / in [1]"]:
    add('slash ' + c, C(c))
# Look-ahead past the end of a rule. (What is said of "/c/d/$(" depends on what was compiled before: not recorded.)
for c in ["/c[1", "/c/d[1", "/c/d/e[1", "/c/d[", "/c/d[1,", "/c/d[(", "/c/{x}[1", "/{x}/c[1", "/c/d/{x}[1",
          "/c/d[f(", "/c/d == (x", "a && /c/d[1", "f(/c/d[1", "/c/d.x("]:
    add('ahead ' + c, C(c))
# The version, and what is wrong with one construct, beside what is wrong with characters and grammar.
W3 = "rules_version = '3';\n"
for c in ["a b", "a &", "a # b", "(a", "a)", "1 +", "é", 'a "b']:
    add('version 3 ' + c, M("  match /t/{id} {\n   allow read: if " + c + ";\n  }", W3))
add('version 3 #', W3 + '#' + C('a').replace(V, ''))
add('version 3 x', W3 + 'x' + C('a').replace(V, ''))
add('version 3 cut', (W3 + C('a').replace(V, ''))[:60])
add('version 3 no body', W3 + 'service cloud.firestore { }')
for c in ["9223372036854775808 == 1", "-9223372036854775809 == 1", "b'\\u0041' == 1", "math == 1", '!' * 101 + 'true', "1 is foo",
          "get(/a/{b}/{b})", "'a'.matches('(')", "nope == 1 && 1"]:
    add('no token ' + c[:30], Q('allow read: if ' + c + '; #'))
for c in ["match /a/{b}/{b} { allow read; } #", "match /a/{b=**}/{c=**} { allow read; } #", "function f() { return f(); } #"]:
    add('no token ' + c, Q(c))
add('no token import', "rules_version = '2';\nimport 'a' as b;\n" + C('true #').replace(V, ''))
for c in ['& ', '&&&x', 'a|', '&é', '|\r', '😀', '&&😀', '\\']:
    add('no token at the end ' + repr(c), C('true') + c)
# Methods in capitals; functions and methods of one name; several functions of one name.
add('methods in capitals', Q("allow Read, WRITE, gEt, List, Create, upDate, Delete: if request.auth == 1 && nope; allow reAd: if resource.data.x && 1;"))
G = "function f() { return request.x; }"
for c in ["id.f()", "id.f(1,2)", "math.f()", "id.f"]:
    add('called as method ' + c, F(G, c))
add('called as method by function', F("function f() { return true; } function g() { return id.f(); }", 'g()'))
add('called as method, no cycle', F("function f() { return g(); } function g() { return id.f(); }", 'f()'))
add('called as method elsewhere', Q("match /x/{y} { function f() { return true; } allow read: if y == 'a'; } allow read: if id.f();"))
add('fn dup differs', F("function f() { return request.x; } function f() { return resource.y && get(/a/b) && nope; }"))
add('fn dup unused', F("function f() { return request.x; } function f() { return resource.y && get(/a/b) && nope; }", 'true'))
add('fn dup calls', F("function f() { return 1; } function f() { return h(); } function h() { return request.x; }"))
add('fn dup inside', Q("function f() { return request.x; } match /x/{y} { function f() { return 1; } function f() { return request.y; } allow read: if f(); }"))
# debug belongs to the service.
add('debug unused', F("function f() { return debug(1) == 1; }", 'true'))
add('debug no method', Q("allow reed: if debug(1) == 1;"))
add('debug other service', C('debug(1) == 1').replace('cloud.firestore', 'foo.bar'))
add('debug storage', C('debug(1) == 1').replace('cloud.firestore', 'firebase.storage'))
# Vectors.
for c in ["vector([1])", "vector()", "vector(1,2)", "vector([1,2]) == 1", "vector([1.0,2]) is vector", "vector(resource) && resource.x",
          "vector([1]) + 1 == 2", "vector(vector([1])) == 1", 'vector("a") == 1', "vector(id) == 1", "[1] == vector([1])",
          "vector([1])[0] == 1", "1 in vector([1])", "vector([1]).keys() == 1", "-vector([1]) == 1", "string(vector([1])) == 'a'",
          "vector([1]).x", "{vector([1]): 1} == {}", "/a/$(vector([1])) == /a/b", "vector([1]) == null", "[1].concat(vector([1])) == 1"]:
    add('vector ' + c, C(c))
# What the parts of an expression ask of a variable is joined where they meet.
JOINED = """V + 1 == 2 && V.data.x|V && V.auth.uid == 'a'|((V + 1 == 2) && V.x)|true && (V.x && V + 1 == 1) || V[0]|V.x && V.lower() == 'a'
true || (V.x == 1 && V + 1 == 1) || V.y|true && !(V.x && V + 1 == 1)|[V.x && V + 1 == 1] == []|true ? (V.x && V + 1 == 1) : true
(V.x ? V + 1 : 2) == 1|true && ((V.x) && ((V + 1 == 1) && true))|1 == 2 && V.x == (V + 1)|1 == 2 && V[V.x] == 1
1 == 2 && V.matches(V.x) && V.x|debug(V.x == V + 1) && V|true && math.abs(V) == V.x|(true && V.x) && (V && true)|{'a': V.x, 'b': V + 1} == 1
/a/$(V.x)/$(V + 1) == 1|true && (V + 1)[V.x] == 1|V + 1 == 1 && (true && V.x && V.y) && (true && V && true)|true && V.x in [V + 1]
V.x && V + 1 == 1 || V && V[0]|(V.x && V) || (V.y && V) || true|V && V.x && V + 1 == 1 && V.y && V|V < 1 && V.x|V in V.x|V is int && V + 1 == 2""".replace("\n", "|").split("|")
for c in JOINED:
    add('joined resource ' + c, C(c.replace('V', 'resource')))
    add('joined parameter ' + c, F("function f(v) { return " + c.replace('V', 'v') + "; }", 'f(1)'))
add('joined both', C("request.x == 1 && (resource && request) && resource.x"))
add('joined in lets', F("function f(v) { let a = true && (v.x && v + 1 == 1); return a && (true && v[0]); }", 'f(1)'))
add('joined in lets 2', F("function f() { let a = resource + 1; let b = resource.x; return a == 2 && b; }"))
add('joined by call', F("function f(a) { return a + 1 == 2; }", 'f(resource) && resource.x'))
add('joined across call', F("function f() { return resource + 1 == 2; }", 'f() && resource.data.x'))
add('joined allows', Q("allow read: if resource + 1 == 2; allow write: if resource.x; allow get: if resource && resource.x; allow list: if request.x && request + 1 == 1;"))
add('joined storage', C("resource + 1 == 2 && resource.x").replace('cloud.firestore', 'firebase.storage'))
# What an operator asks of its operands when something is asked of it.
for c in ["[1]['a' + 1]", "[1]['a' % 1]", "[1]['a' - 1]", "[1][1 + [1]]", "[1][-[1]]", "[1][1:'a' % 1]", "[1][[1] % 1:]", "-([1] % 1)", "-([1] + 1)",
          "-([1] - 1)", "-(-[1])", "math.abs([1] + 1)", "duration.value([1] - 1, 's')", "timestamp.date([1] * 1, 1, 1)", "1 - ([1] + 1)",
          "1 % ([1] - 1)", "[1][1.5]", "[1][1 % 1.5]", "[1][id % 2]", "{}[[1] + 'a']"]:
    add('operands ' + c, C(c + ' == 1'))
# Spaces in messages; what the first, quick pass of the parser loses.
add('no token lost', '\x1a' + V + S(' match /{x}}/a { allow read; }', ''))
add('no token kept', '\x1a' + V + S(' match /{x}/a { allow read; }', ''))
for c in ["a '\t'", "'\t' 'a'", "[1 '\t'", "1 + \t", "a '\t' ]"]:
    add('tab ' + repr(c), C(c))
# Regular expressions where RE2/J has ways of its own.
def X(pattern): return C("'a'.matches('" + pattern.replace('\\', '\\\\') + "')")
for p in ["a{*", "{+", "a{?", "a{{*", "(a{*)", "a{*?", "a{,2}*", "a{x}*", "a{1*", "\\{*", "[{*]", "a{|b", "(?<n>a)", "(?<n>a)(?<m>b)", "(?<1>a)",
          "(?<>a)", "(?<n", "(?<=a)", "(?<!a)", "(?P<n>a)(?P<n>b)", "(?<n>a)(?P<n>b)", "(?P<n>a)|(?P<n>b)", "\\C", "[\\C]", "\\é", "\\é*", "[\\é]",
          "\\日", "\\-", "\\Q(?<n>{*\\E", "\\Q*", "[[:alpha:]]{*", "[]a](?<n>b)", "[^]](?<n>b)", "[\\]{*]", "a\\", "a**", "a*??", "a{1001}",
          "a{1000}", "(a{500}){2}", "a{2,1}", "\\pN", "\\p{Nope}", "[z-a]", "[[:nope:]]", "(?z)"]:
    add('regex ' + p, X(p))
for n in (20, 21):
    add('regex nested %d' % n, X('(' * n + 'a' + ')' * n))
    add('regex nested %d (?:' % n, X('(?:' * n + 'a' + ')' * n))
    add('regex nested %d [(]' % n, X('[(]' * n))
    add('regex nested %d \\Q' % n, X('\\Q' + '(' * n + '\\E'))
add('regex nested \\(', X('\\(' * 30)); add('regex side by side', X('(a)' * 30)); add('regex nested replace', C("'a'.replace('%sa%s', 'b') == 'b'" % ('(' * 21, ')' * 21)))
add('regex nested split', C("'a'.split('%sa%s') == []" % ('(' * 21, ')' * 21)))
# Limits at their values.
for n in (7, 8, 9):
    P7 = ['p%d' % i for i in range(n)]
    add('limit parameters %d' % n, F('function f(%s) { return %s; }' % (', '.join(P7), ' && '.join(P7)), 'f(%s)' % ', '.join(['true'] * n)))
for n in (10, 11, 12):
    add('limit lets %d' % n, F('function f() { ' + ' '.join(f'let a{i} = {i};' for i in range(n)) + ' return ' + ' + '.join(f'a{i}' for i in range(n)) + ' == 0; }'))
for n in (20, 21, 22):
    add('limit calls %d' % n, F('\n'.join(f'function f{i}(x) {{ return f{i+1}(x); }}' for i in range(n - 1)) + f'\nfunction f{n-1}(x) {{ return x; }}', 'f0(true)'))
for n in (99, 100, 101):
    add('limit or %d' % n, C(' || '.join(['true'] * n)))
    add('limit plus %d' % n, C(' + '.join(['1'] * n) + ' == 1'))
    add('limit not %d' % n, C('!' * n + 'true'))
    add('limit members %d' % n, C('id' + '.a' * n))
for n in (20, 21):
    add('limit wildcards %d in two' % n, S('match ' + ''.join(f'/{{b{i}}}' for i in range(10)) + ' { match ' + ''.join(f'/{{c{i}}}' for i in range(n - 10)) + ' { allow read; } }'))
for n in (100, 101):
    add('limit segments %d in two' % n, S('match ' + '/a' * 50 + ' { match ' + '/b' * (n - 50) + ' { allow read; } }'))
# What nobody writes: many of everything.
add('many matches', S(''.join(' match /{x=**}/c%d/{y} { allow read: if x[0] == y; }\n' % i for i in range(300))))
add('many allows', Q(''.join('allow read: if id == "%d";\n' % i for i in range(500))))
add('many functions', F('\n'.join(f'function f{i}() {{ return {i} == id; }}' for i in range(300)), 'f0() || f299()'))
add('many errors', Q(''.join('allow read: if a b;\n' for i in range(60))))
add('many brackets', C('[' * 90 + '(' * 8 + ' x'))
add('many slashes', S('match ' + '/' * 50 + ' { allow read; }'))
add('many quotes', C('"' * 51))
add('many comments', '/*' * 200 + '*/' + C('true') + '/*' * 50)
