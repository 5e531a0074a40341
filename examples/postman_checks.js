// For every answer: its status, its type, its correlation id; and of a problem, that it is whole.
const expected = pm.variables.get("expectedStatuses");
const isProblem = pm.response.code >= 400;
const type = isProblem ? "application/problem+json" : "application/json";
const members = ["type", "title", "status", "detail", "code", "correlationId", "errors"];
const header = (name) => pm.response.headers.get(name);

pm.test(`the status is ${expected.join(" or ")}`, () => pm.expect(pm.response.code).to.be.oneOf(expected));
pm.test(`the type is ${type}`, () => pm.expect(header("Content-Type")).to.equal(type));
pm.test("the correlation id comes back", () =>
  pm.expect(header("X-Correlation-Id")).to.equal(pm.request.headers.get("X-Correlation-Id")));
if (isProblem) {
  pm.test("the problem is whole", () => {
    pm.expect(pm.response.json()).to.include.keys(...members);
    pm.expect(pm.response.json().status).to.equal(pm.response.code);
  });
}
