#pragma once

#include "fovea/op.h"

namespace fovea {

// Base of the ops: routes the four reference calls to two templates of the derived class,
//   template <class T> void forward(const Signature&, const Step<T>&) const;
//   template <class T> void backward(const Signature&, const Step<T>&) const;
template <class Derived>
class OpBase : public Op {
 public:
  void reference_forward(const Signature& shapes, const Step<float>& step) const final { self().forward(shapes, step); }
  void reference_forward(const Signature& shapes, const Step<double>& step) const final {
    self().forward(shapes, step);
  }
  void reference_backward(const Signature& shapes, const Step<float>& step) const final {
    self().backward(shapes, step);
  }
  void reference_backward(const Signature& shapes, const Step<double>& step) const final {
    self().backward(shapes, step);
  }

 private:
  const Derived& self() const { return static_cast<const Derived&>(*this); }
};

}  // namespace fovea
