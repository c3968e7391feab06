// A component that is drawn again only when one of its properties is another one.

import { Component, type ComponentType, createElement } from "preact";

export function memo<P extends object>(inner: ComponentType<P>): ComponentType<P> {
  return class Memo extends Component<P> {
    override shouldComponentUpdate(next: P): boolean {
      const before: Record<string, unknown> = { ...this.props };
      return Object.entries(next).some(([name, value]) => value !== before[name]);
    }

    override render() {
      return createElement(inner, this.props);
    }
  };
}
